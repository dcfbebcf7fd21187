"""Waits until the containers of a project run and are healthy, and tells what they printed where they are not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from runners.targets.contract import TargetError, Tell
from runners.targets.docker.remote import Remote

LAST_LINES = 20
_LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class Limits:
    """In seconds: how long until all are healthy, and how long one has to run where nobody can be asked."""

    within: float
    steady: float


def wait_healthy(engine: Remote, containers: list[str], limits: Limits, tell: Tell) -> None:
    """Return when each of the containers (ids) is healthy. TargetError, after its last lines were told, where one is not."""
    begun = time.monotonic()
    restarts: dict[str, int] = {}
    waiting = list(containers)
    while waiting:
        passed = time.monotonic() - begun
        for container in list(waiting):
            facts = engine.inspect(container) or {}
            wrong = _wrong(facts, restarts.setdefault(container, facts.get("RestartCount", 0)))
            if not wrong and _is_fine(facts, passed >= limits.steady):
                waiting.remove(container)
            elif wrong or passed > max(limits.within, limits.steady):
                _fail(engine, facts, wrong or f"is not healthy after {limits.within:.0f} s", tell)
        if waiting:
            time.sleep(_LOOK_SECONDS)


def _wrong(facts: dict[str, Any], restarts: int) -> str:
    """What is wrong with it for good; "" = nothing yet."""
    if not facts:
        return "was removed"
    state = facts["State"]
    if state["OOMKilled"] and not state["Running"]:
        return "used up its memory"
    if state.get("Restarting") or facts.get("RestartCount", 0) > restarts or not (state["Running"] or _is_done(facts)):
        return f"ended with exit code {state['ExitCode']}"
    return "is not healthy" if (state.get("Health") or {}).get("Status") == "unhealthy" else ""


def _is_done(facts: dict[str, Any]) -> bool:
    """It had something to do once, such as a migration, and did it."""
    policy = (facts["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no"
    return facts["State"]["ExitCode"] == 0 and policy in {"no", "on-failure"}


def _is_fine(facts: dict[str, Any], was_steady: bool) -> bool:
    state = facts["State"]
    status = (state.get("Health") or {}).get("Status", "none")
    return not state["Running"] or status == "healthy" or (status == "none" and was_steady)


def _fail(engine: Remote, facts: dict[str, Any], wrong: str, tell: Tell) -> None:
    if not facts:
        raise TargetError("A container was removed while it was waited for: does somebody else deploy there?")
    name = str(facts["Name"]).lstrip("/")
    asked = (facts["State"].get("Health") or {}).get("Log") or []
    for line in str(asked[-1].get("Output") or "").strip().splitlines()[-3:] if asked else ():
        tell(f"{name}, its health check: {line}")
    for line in engine.logs(facts["Id"], LAST_LINES).splitlines():
        tell(f"{name} | {line}")
    raise TargetError(f"{name} {wrong}: the last it printed is above.")
