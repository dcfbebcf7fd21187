"""What the targets and their caller agree on.

Each kind is a package `runners.targets.<kind>`:

    settings.py   class Settings(pydantic.BaseModel): extra="forbid", every field with a description; nothing is imported
                  but pydantic, so that a plan can be checked anywhere. `verbatim: ClassVar[frozenset[str]]`, where it is
                  given, names the fields whose ${NAME} are left as they are: shell text, where a stranger's branch
                  name must not become a command
    target.py     deliver(settings, delivery, tell) and running(settings, delivery, tell), as `Target` says

They run in a process of their own (`python -m runners.targets`), which is killed at a stop or a time limit: whatever
they do has to survive that, and has to be right when it is done again. All that they tell goes to the step's log.
Sockets of that process connect only where `runners.targets.reach` lets them; programs that it starts have to be
started in its process group, and their addresses asked about with `reach.check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Tell = Callable[[str], None]
"""One line for the step's log; secrets are hidden by who reads it."""


class TargetError(Exception):
    """It did not go; the text is a sentence for people that says what to do. Nothing secret in it."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One stage of one release on its way to one environment."""

    folder: Path  # the checkout, with the build's artifacts laid in; its content is a stranger's (see runners.trees)
    environment: str  # name of the environment
    project: str  # uuid
    release: str  # its number, "12"
    commit: str
    branch: str = ""
    percent: float = 100.0  # how much of the target gets it: 0 < percent <= 100
    previous: str = ""  # number of the release that was live before; "" = none
    is_rollback: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)  # all variables and secrets of the job
    ssh_key: str = field(default="", repr=False)  # the project's own, OpenSSH text; "" = it has none
    allowed_hosts: tuple[str, ...] = ()  # of the operator, for `runners.targets.reach`


class Target(Protocol):
    """A module of these functions."""

    def deliver(self, settings: Any, delivery: Delivery, tell: Tell) -> None:
        """Bring `percent` of the target to the release, and return when that works there. TargetError where it cannot.

        Stages come with rising percents; the last is 100. A rollback comes with 100 and an older release: where the
        target still has that release, it is switched to, not sent again. To do it twice is to do it once.
        """

    def running(self, settings: Any, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
        """Numbers of the releases that run there; empty where none of ours does, None where that cannot be told."""
