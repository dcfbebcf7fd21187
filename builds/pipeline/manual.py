"""Groups that wait for a person: where they may stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builds.pipeline.nodes import Mark
from builds.pipeline.report import Report
from runners.contract import StepSpec

_PLACE = "a `manual` group stands at the end of the file's list of steps, for each branch once"


def check_manual(steps: Iterable[StepSpec], report: Report) -> None:
    """Errors where a manual group that applies to this push is inside of another, or is followed by a step that does."""
    applying = [step for step in steps if not step.skip]
    for position, step in enumerate(applying):
        for inner in _inside(step):
            report.error(f"a `manual` group cannot stand in another group: {_PLACE}", Mark(inner.line))
        if step.is_manual and position < len(applying) - 1:
            follower = applying[position + 1]
            text = (
                f"the step follows the `manual` group of line {step.line}: {_PLACE}; `tag` and `exclude` can part them"
            )
            report.error(text, Mark(follower.line))


def forbid_manual(steps: Iterable[StepSpec], report: Report) -> None:
    """Errors for manual groups where nothing can wait."""
    for step in steps:
        for found in (*((step,) if step.is_manual else ()), *_inside(step)):
            report.error("a deployment's steps have no `manual` group", Mark(found.line))


def _inside(step: StepSpec) -> Iterator[StepSpec]:
    for inner in step.below:
        if not inner.skip:
            yield from (inner,) if inner.is_manual else ()
            yield from _inside(inner)
