"""Carry out one request in this process: the settings filled in and checked, the target called, an answer in any case."""

from __future__ import annotations

import importlib
from typing import Any, cast

from pydantic import ValidationError

from runners.targets import KINDS
from runners.targets.checking import problems, settings_class
from runners.targets.contract import Delivery, Target, TargetError, Tell
from runners.targets.filling import filled
from runners.targets.request import Answer, Request


def perform(request: Request, tell: Tell) -> Answer:
    """Deliver, or ask what runs. Never raises for what a target does: a traceback might tell what is secret."""
    try:
        settings = _settings(request)
    except TargetError as error:
        return Answer(passed=False, reason=str(error), is_spec=True)
    try:
        target = cast(Target, importlib.import_module(f"runners.targets.{request.kind}.target"))
        return (_ask if request.asks else _deliver)(target, settings, request.delivery, tell)
    except TargetError as error:
        return Answer(passed=False, reason=str(error))
    except Exception as error:  # noqa: BLE001 -- the edge to the targets and their libraries
        return Answer(passed=False, reason=_unforeseen(request, error))


def _settings(request: Request) -> Any:
    if request.kind not in KINDS:
        raise TargetError(f"There is no target “{request.kind}”.")
    wanted = settings_class(request.kind)
    verbatim: frozenset[str] = getattr(wanted, "verbatim", frozenset())
    values = filled(request.settings, request.delivery.values, verbatim)
    try:
        return wanted.model_validate(values)
    except ValidationError:
        # Told without the values: they may be secrets.
        raise TargetError(f"{request.kind}: {'; '.join(map(str, problems(request.kind, values)))}") from None


def _deliver(target: Target, settings: Any, delivery: Delivery, tell: Tell) -> Answer:
    target.deliver(settings, delivery, tell)
    return Answer(passed=True)


def _ask(target: Target, settings: Any, delivery: Delivery, tell: Tell) -> Answer:
    found = target.running(settings, delivery, tell)
    if found is None:
        return Answer(passed=False, reason="Nobody can tell which release runs there.")
    tell(f"Running there: {', '.join(sorted(found)) or 'no release of this project'}.")
    if delivery.release not in found:
        there = f"{', '.join(sorted(found))} does" if found else "none does"
        return Answer(passed=False, reason=f"Release {delivery.release} does not run there; {there}.")
    if delivery.percent >= 100 and len(found) > 1:  # a share may run beside others, the whole may not
        others = ", ".join(sorted(found - {delivery.release}))
        return Answer(passed=False, reason=f"Release {delivery.release} runs there, but so does {others}.")
    return Answer(passed=True)


def _unforeseen(request: Request, error: Exception) -> str:
    text = " ".join(str(error).split()) or "without a word"
    return f"The {request.kind} target broke unforeseen ({type(error).__name__}): {text}"
