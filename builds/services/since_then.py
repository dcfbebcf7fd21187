"""What differs between what a build ran with and what it would run with today: for people who run it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from builds.models import Build, Job
from builds.pipeline.plan import ConfigError, plan_from_json, plan_to_json
from builds.services.plan import plan_of_today
from builds.services.replay import OWN_VARIABLES
from builds.services.secrets_for import plain_for
from builds.services.secrets_then import SecretChange, secret_changes
from builds.services.timeouts import seconds_allowed, silence_allowed
from builds.services.variables import variables
from runners.errors import CheckoutError

MOST = 60
_BUILDS_SEEN = 30
_LONGEST = 300
_OF_THE_MOMENT = OWN_VARIABLES | {"CI_TIMESTAMP", "CI_STRING_TIME"}
_UNTOLD = frozenset(
    {"line", "column", "warnings", "seconds"}
)  # where it stands, what was said of it, how long tests took
_NOTHING = object()


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was; "" = it was not there, or is not."""

    what: str
    then: str = ""
    now: str = ""


@dataclass(frozen=True, kw_only=True)
class Since:
    """All that differs. `unread` says why the configuration could not be compared."""

    configuration: tuple[Change, ...] = ()
    unread: str = ""
    variables: tuple[Change, ...] = ()
    secrets: tuple[SecretChange, ...] = ()
    images: tuple[Change, ...] = ()
    runner: tuple[Change, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether everything was looked at, and nothing differs."""
        every = (self.configuration, self.variables, self.secrets, self.images, self.runner)
        return not self.unread and not any(every)


def since_then(build: Build, jobs: Sequence[Job]) -> Since:
    """For a build with its project, and its pipelines' jobs with their records. Nothing is fetched for it."""
    records = [job.record for job in jobs if job.record is not None]
    configuration, unread = _configuration(build)
    seen = _seen_lately(build)
    return Since(
        configuration=configuration,
        unread=unread,
        variables=tuple(_variables(build, jobs)),
        secrets=tuple(secret_changes(build, records)),
        images=tuple(_images(records, seen)),
        runner=tuple(_runner(records, seen)),
    )


def _configuration(build: Build) -> tuple[tuple[Change, ...], str]:
    if build.plan is None:
        return (), "It was never planned."
    try:
        today = plan_to_json(plan_of_today(build))
    except ConfigError as error:
        return (), f"Today it could not be planned: {error}"
    except CheckoutError:
        return (), "The commit is not on this machine now, so its configuration was not read again."
    # Read and written again, so that what plans did not say then is not taken for a difference.
    then = plan_to_json(plan_from_json(build.plan))
    return tuple(_differing("", then, today))[:MOST], ""


def _differing(what: str, then: Any, now: Any) -> Iterator[Change]:
    """Where two JSON values differ; parts of a list that have a name are found by it."""
    if then == now:
        return
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        names = [*then, *(name for name in now if name not in then)]
        for name in names:
            if name not in _UNTOLD:
                yield from _differing(_below(what, name), then.get(name, _NOTHING), now.get(name, _NOTHING))
    elif _is_list_of_parts(then) and _is_list_of_parts(now):
        yield from _differing(what, _by_name(then), _by_name(now))
    else:
        yield Change(what, _text(then), _text(now))


def _below(what: str, name: str) -> str:
    return f"{what} / {name}" if what else str(name)


def _is_list_of_parts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, Mapping) for part in value)


def _by_name(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, part in enumerate(parts, 1):
        name = str(part.get("name") or number)
        found[name if name not in found else f"{name} ({number})"] = part
    return found


def _text(value: Any) -> str:
    if value is _NOTHING or value is None or value in ("", [], {}):
        return ""
    if isinstance(value, Mapping):
        return _short(str(value.get("name") or ", ".join(f"{name}={part}" for name, part in value.items())))
    if isinstance(value, list):
        return _short(", ".join(_text(part) for part in value))
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _variables(build: Build, jobs: Sequence[Job]) -> Iterator[Change]:
    told = set()
    for job in jobs:
        if job.record is None:
            continue
        then = {name: value for name, value in job.record["variables"].items() if name not in _OF_THE_MOMENT}
        today = {name: value for name, value in _todays(build).items() if name not in _OF_THE_MOMENT}
        limits = job.record["limits"]
        job.build = build
        then |= {"time limit, seconds": str(limits["timeout_seconds"])}
        today |= {"time limit, seconds": str(seconds_allowed(job))}
        then |= {"limit without output, seconds": str(limits["silence_seconds"])}
        today |= {"limit without output, seconds": str(silence_allowed(job))}
        for name in sorted(then.keys() | today.keys()):
            change = Change(name, _short(then.get(name, "")), _short(today.get(name, "")))
            if then.get(name) != today.get(name) and change not in told:
                told.add(change)
                yield change


def _todays(build: Build) -> dict[str, str]:
    """Plain variables of a job of this build, were it planned today."""
    return {**plain_for(build), **variables(Job(build=build, variables={}))}


def _images(records: Sequence[dict[str, Any]], seen: Sequence[dict[str, Any]]) -> Iterator[Change]:
    """Every image whose digest in the newest build that used it is another."""
    newest: dict[str, str] = {}
    for record in reversed(seen):
        newest |= record["images"]
    then = {name: digest for record in records for name, digest in record["images"].items()}
    for name in sorted(then):
        if " " not in name and newest.get(name, then[name]) != then[name]:
            yield Change(name, _digest(then[name]), _digest(newest[name]))


def _digest(digest: str) -> str:
    return digest.rpartition("@")[2]


def _seen_lately(build: Build) -> list[dict[str, Any]]:
    """What the project's newest builds ran with, the newest first; what ran as it once ran says nothing of today."""
    newest = Build.objects.filter(project=build.project_id, exactly=False).order_by("-number")
    numbers = list(newest.values_list("pk", flat=True)[:_BUILDS_SEEN])
    jobs = Job.objects.filter(build__in=numbers, record__isnull=False).order_by("-pk")
    return [
        {"images": images or {}, "runner": runner or {}}
        for images, runner in jobs.values_list("record__images", "record__runner")
    ]


def _runner(records: Sequence[dict[str, Any]], seen: Sequence[dict[str, Any]]) -> Iterator[Change]:
    today = {**(seen[0]["runner"] if seen else {}), "ciservice": settings.VERSION}
    for name in ("ciservice", "executor", "engine", "git"):
        then = {record["runner"].get(name, "") for record in records}
        if then and then != {today.get(name, "")}:
            yield Change(name, ", ".join(sorted(then)), today.get(name, ""))
    defaults = {record["default_image"] for record in records}
    if defaults and defaults != {settings.DEFAULT_IMAGE}:
        yield Change("default image", ", ".join(sorted(defaults)), settings.DEFAULT_IMAGE)
