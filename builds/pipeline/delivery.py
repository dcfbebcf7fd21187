"""How a release goes out, as ciservice.yml has it: checks, canary, rollback; and the gates before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from runners.contract import PipelineSpec

DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One address that is opened after each stage, from the control plane."""

    url: str
    expect: tuple[str, ...] = ("2xx",)  # statuses: "200", "2xx"
    body: str = ""  # text that the answer holds; $CI_RELEASE, $CI_COMMIT_ID and $CI_ENVIRONMENT are filled in
    under_ms: int = 0  # the answer takes no longer; 0 = as long as it likes
    tls_days: int = 0  # its certificate is good for at least so long; 0 = it is good now
    within_seconds: int = 120  # it has to be right for the first time before that
    every_seconds: int = 5
    failures: int = 1  # so many in a row after it was right are one too many


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Who has to agree before a release goes."""

    roles: tuple[str, ...] = ()  # of accounts.models.Role: these and those above them
    people: tuple[str, ...] = ()  # e-mail addresses
    not_author: bool = False  # whoever wrote the commit may not
    expires_seconds: int = 7 * DAY_SECONDS


@dataclass(frozen=True, kw_only=True)
class Window:
    """A time of the week in which releases go. `builds.pipeline.windows` reads and reckons it."""

    days: tuple[int, ...]  # on which it begins; Monday is 0
    start: int  # minutes after midnight on the clock of the zone
    end: int  # the same; not later than `start` = on the day after; over 24 * 60 = on a later day
    zone: str = "UTC"
    text: str = ""  # as it was written


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """What happens when a release turns out bad."""

    automatic: bool = False
    pipeline: PipelineSpec | None = None  # instead of the release's own steps


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Whether what is live still answers: the environment's probes, for good."""

    every_seconds: int = 60
    failures: int = 3  # in a row, before it counts as bad


@dataclass(frozen=True, kw_only=True)
class Gates:
    """What protects an environment. It counts as the environment's own branch has it, never as a release says."""

    branches: tuple[str, ...] = ()  # patterns; () = any that `after` lets through
    tags: tuple[str, ...] = ()
    approval: Approval | None = None
    windows: tuple[Window, ...] = ()  # () = always
    queue: bool = False  # waiting releases go one after another, instead of the newest alone
    watch: Watch | None = None


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How this release goes out, and is looked at."""

    percents: tuple[float, ...] = ()  # of the stages before the whole: 0 < percent < 100, rising
    bake_seconds: int = 0  # how long each stage has to stay right
    probes: tuple[Probe, ...] = ()
    checks: PipelineSpec | None = None  # commands that have to pass after each stage
    rollback: Rollback = field(default_factory=Rollback)
    irreversible: str = ""  # why it cannot be taken back ("migrations/0007.sql was changed"); "" = it can
    url: str = ""  # where people see it
