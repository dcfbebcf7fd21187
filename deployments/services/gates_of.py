"""The gates of an environment, from its row and for it."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from builds.pipeline.delivery import Gates
from deployments.models import Environment

_GATES = TypeAdapter(Gates)


def gates_of(environment: Environment) -> Gates:
    """What protects the environment today; a row that was never told has none."""
    return _GATES.validate_python(environment.gates or {})


def gates_to_json(gates: Gates) -> dict[str, Any]:
    """For the environment's row."""
    data: dict[str, Any] = _GATES.dump_python(gates, mode="json")
    return data
