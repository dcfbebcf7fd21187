"""How many rooms a job will want, from its steps: in all, and at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from runners.contract import PipelineSpec, ServiceSpec, StepKind, StepSpec


@dataclass(frozen=True)
class Forecast:
    """What is known before the first step runs."""

    uses: int  # containers that want a room, one after another or together
    alone_at_once: int  # of those that have nothing beside them
    beside_at_once: int
    has_home: bool  # some step runs in the pipeline's own container


def forecast(pipeline: PipelineSpec) -> Forecast:
    """Of a job's pipeline."""
    services = {service.name: service for service in pipeline.services}
    own = [_has_container(step) for step in _run_steps(pipeline.steps)]
    has_home = not all(own)
    alone = _most_at_once(pipeline.steps, lambda step: not _has_beside(step, services))
    return Forecast(
        uses=sum(own) + has_home,
        alone_at_once=max(alone, int(has_home)),
        beside_at_once=_most_at_once(pipeline.steps, lambda step: _has_beside(step, services)),
        has_home=has_home,
    )


def _run_steps(steps: Iterable[StepSpec]) -> Iterable[StepSpec]:
    for step in steps:
        if not step.skip:
            yield from [step] if step.kind is StepKind.RUN else _run_steps(step.steps)


def _has_container(step: StepSpec) -> bool:
    """Whether it runs in a container of its own, and not in the pipeline's."""
    return bool(step.service or step.image)


def _has_beside(step: StepSpec, services: Mapping[str, ServiceSpec]) -> bool:
    return step.service in services and bool(services[step.service].depends_on)


def _most_at_once(steps: Iterable[StepSpec], is_meant: Callable[[StepSpec], bool], *, is_parallel: bool = False) -> int:
    """How many containers of steps that are meant run side by side at most."""
    counts = [_of_one(step, is_meant) for step in steps if not step.skip]
    return sum(counts) if is_parallel else max(counts, default=0)


def _of_one(step: StepSpec, is_meant: Callable[[StepSpec], bool]) -> int:
    if step.kind is StepKind.RUN:
        return int(_has_container(step) and is_meant(step))
    return _most_at_once(step.steps, is_meant, is_parallel=step.kind is StepKind.PARALLEL)
