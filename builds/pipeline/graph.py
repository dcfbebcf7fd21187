"""Which services a pipeline needs: those its steps name, and what these need in turn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from builds.pipeline.plan import Problem
from builds.pipeline.report import Report, clean
from builds.pipeline.services import Service
from runners.contract import ServiceSpec

_Next = Callable[[ServiceSpec], Iterable[str]]


def needed(names: Collection[str], services: Mapping[str, Service], report: Report) -> tuple[ServiceSpec, ...]:
    """The services behind `names`, in the order of their file. What is wrong with them goes to `report`."""
    reached: set[str] = set()
    waiting = [name for name in names if name in services]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        service = services[name]
        report.errors.extend(service.report.errors)
        report.warnings.extend(_fatal(problem) for problem in service.report.refusals)
        for other in (*_dependencies(service.spec), *service.spec.volumes_from, *_credentials(service.spec)):
            if other in services:
                waiting.append(other)
            else:
                pair = f"`{clean(name, 80)}` needs `{clean(other, 80)}`"
                text = f"the service {pair}, which does not exist: {report.did_you_mean(other, services)}"
                report.errors.append(service.report.problem(text, service.mark, key=other))
    specs = {name: services[name].spec for name in services if name in reached}
    for next_ in (_dependencies, _volume_sources, _credentials):
        circle = _circle(specs, next_)
        if circle:
            first = services[circle[0]]
            text = f"services need each other in a circle: {' -> '.join((*circle, circle[0]))}"
            report.errors.append(first.report.problem(text, first.mark))
    return tuple(specs.values())


def _fatal(refusal: Problem) -> Problem:
    return replace(refusal, text=f"{refusal.text}; every step that needs the service will fail")


def _dependencies(spec: ServiceSpec) -> Iterator[str]:
    return (link.service for link in spec.depends_on)


def _volume_sources(spec: ServiceSpec) -> Iterator[str]:
    return iter(spec.volumes_from)


def _credentials(spec: ServiceSpec) -> tuple[str, ...]:
    return (spec.dockercfg_service,) if spec.dockercfg_service else ()


def _circle(specs: Mapping[str, ServiceSpec], next_: _Next) -> list[str]:
    """The names along one circle; [] without. Walks with a list of its own, so that a long chain is no matter."""
    done: set[str] = set()
    for start in specs:
        if start in done:
            continue
        path: dict[str, Iterator[str]] = {start: iter(next_(specs[start]))}
        while path:
            name = next(reversed(path))
            other = next(path[name], None)
            if other is None:
                done.add(name)
                del path[name]
            elif other in path:
                names = list(path)
                return names[names.index(other) :]
            elif other in specs and other not in done:
                path[other] = iter(next_(specs[other]))
    return []
