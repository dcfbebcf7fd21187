"""Which services a step needs, in the order in which they are started, and under which names they are reached."""

from __future__ import annotations

from collections.abc import Mapping

from runners.contract import ServiceSpec
from runners.errors import SpecError

Services = Mapping[str, ServiceSpec]


def service_named(services: Services, name: str) -> ServiceSpec:
    """The service, or SpecError."""
    try:
        return services[name]
    except KeyError:
        raise SpecError(f"There is no service {name!r}: the file has {', '.join(sorted(services)) or 'none'}") from None


def levels(services: Services, primary: ServiceSpec) -> list[list[ServiceSpec]]:
    """All that `primary` needs running, itself left out: whatever is in one list can start at once, after those before."""
    depths: dict[str, int] = {}

    def visit(service: ServiceSpec, path: tuple[str, ...]) -> int:
        if service.name in path:
            circle = " -> ".join([*path[path.index(service.name) :], service.name])
            raise SpecError(f"Services need each other in a circle: {circle}")
        if service.name not in depths:
            below = [visit(service_named(services, link.service), (*path, service.name)) for link in service.depends_on]
            depths[service.name] = 1 + max(below, default=-1)
        return depths[service.name]

    top = visit(primary, ())
    found: list[list[ServiceSpec]] = [[] for _ in range(top)]
    for name, depth in depths.items():
        if name != primary.name:
            found[depth].append(services[name])
    return found


def host_names(service: ServiceSpec, everyone: list[ServiceSpec]) -> list[str]:
    """The names by which the others reach it: its own (and in small letters, as DNS has it), and every link's alias."""
    aliases = [link.alias for other in everyone for link in other.depends_on if link.service == service.name]
    names = [service.name, service.name.lower(), *(alias for alias in aliases if alias)]
    return list(dict.fromkeys(names))
