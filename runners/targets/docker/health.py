"""Waits until containers are healthy, and tells what they printed where they are not."""

from __future__ import annotations

import time
from typing import Any

from runners.targets.contract import TargetError, Tell
from runners.targets.docker.groups import Group, Member
from runners.targets.docker.remote import Remote
from runners.targets.docker.settings import Health
from runners.targets.durations import seconds

LAST_LINES = 20
_LOOK_SECONDS = 0.3


class UnhealthyError(TargetError):
    """A container does not work."""


def wait_healthy(engine: Remote, group: Group, health: Health, tell: Tell, known: frozenset[str] = frozenset()) -> None:
    """Return when every container is healthy. UnhealthyError, after its last lines were told, where one is not.

    `known` are the ids of those that ran before: where nobody can be asked, they have run for long enough.
    """
    begun, steady = time.monotonic(), seconds(health.steady)
    restarts: dict[str, int] = {}
    waiting = list(group.members)
    while waiting:
        passed = time.monotonic() - begun
        for member in list(waiting):
            facts = engine.inspect(member.id) or {}
            wrong = _wrong(facts, restarts.setdefault(member.id, facts.get("RestartCount", 0)))
            if not wrong and _is_healthy(facts, passed >= steady or member.id in known):
                waiting.remove(member)
            elif wrong or passed > max(seconds(health.within), steady):
                _tell_end(engine, member, facts, tell)
                wrong = wrong or f"is not healthy after {health.within}"
                raise UnhealthyError(f"{member.name} {wrong}: the last it printed is above.")
        if waiting:
            time.sleep(_LOOK_SECONDS)
    tell(f"The containers of release {group.release} are healthy")


def _wrong(facts: dict[str, Any], restarts: int) -> str:
    """What is wrong with it for good; "" = nothing yet."""
    if not facts:
        return "was removed"
    state = facts["State"]
    if state["OOMKilled"] and not state["Running"]:
        return "used up its memory"
    if not state["Running"] or state.get("Restarting"):
        return f"ended with exit code {state['ExitCode']}"
    if facts.get("RestartCount", 0) > restarts:  # its code is forgotten by now
        return "ended, and was started again"
    return "is not healthy" if (state.get("Health") or {}).get("Status") == "unhealthy" else ""


def _is_healthy(facts: dict[str, Any], was_steady: bool) -> bool:
    """Without a health check it has to have run for a while."""
    status = (facts["State"].get("Health") or {}).get("Status", "none")
    return status == "healthy" or (status == "none" and was_steady)


def _tell_end(engine: Remote, member: Member, facts: dict[str, Any], tell: Tell) -> None:
    if not facts:
        return
    asked = (facts["State"].get("Health") or {}).get("Log") or []
    for line in str(asked[-1].get("Output") or "").strip().splitlines()[-3:] if asked else ():
        tell(f"{member.name}, its health check: {line}")
    tell_last_lines(engine, member, tell)


def tell_last_lines(engine: Remote, member: Member, tell: Tell) -> None:
    """The end of what it printed."""
    for line in engine.logs(member.id, LAST_LINES).splitlines():
        tell(f"{member.name} | {line}")
