"""How a release goes out, as its build's row keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from builds.pipeline.delivery import Rollout

_ROLLOUT = TypeAdapter(Rollout)


def rollout_of(plans: Sequence[Mapping[str, Any]] | None, name: str) -> Rollout:
    """How a release goes to the environment `name`, out of its stored plan's `deployments`."""
    plan = next((each for each in plans or () if each.get("name") == name), {})
    try:
        return _ROLLOUT.validate_python(plan.get("rollout") or {})
    except ValidationError:
        return Rollout()
