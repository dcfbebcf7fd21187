"""Which builds an environment takes: its own branch and tag rule, never what the build's own file says."""

from __future__ import annotations

from builds.models import Build
from builds.pipeline.match import PatternError, branch_matches
from deployments.models import Environment
from deployments.services.gates_of import gates_of


def why_not_admitted(environment: Environment, build: Build) -> str:
    """Why no release of `build` goes to `environment`, or to what comes before it; "" = it may."""
    seen: set[str] = set()
    place: Environment | None = environment
    while place is not None and place.name not in seen:
        seen.add(place.name)
        if said := _own_rule(place, build):
            return said
        place = _before(place)
    return ""


def _before(environment: Environment) -> Environment | None:
    if not environment.after:
        return None
    return Environment.objects.filter(project=environment.project_id, name=environment.after).first()


def _own_rule(environment: Environment, build: Build) -> str:
    gates = gates_of(environment)
    if not gates.branches and not gates.tags:
        return ""
    is_tag = build.ref.startswith("refs/tags/")
    name = build.ref.removeprefix("refs/tags/") if is_tag else build.branch
    if any(_fits(pattern, name) for pattern in (gates.tags if is_tag else gates.branches)):
        return ""
    wanted = ", ".join([*gates.branches, *(f"tag {tag}" for tag in gates.tags)])
    return f"{environment.name} takes releases of {wanted} only, not of {name}"


def _fits(pattern: str, name: str) -> bool:
    try:
        return branch_matches(pattern.strip(), name)
    except PatternError:
        return False
