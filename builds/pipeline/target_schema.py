"""What the settings of a target may be, as the JSON Schema of its kind says: for help with mistakes, and for editors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from runners.targets import KINDS
from runners.targets.checking import Path, settings_class

Schema = dict[str, Any]
_WORD = ["string", "number"]


@lru_cache(maxsize=len(KINDS))
def schema_of(kind: str) -> Schema:
    """The JSON Schema of the kind's settings, whose parts are called as they are in a schema of all kinds."""
    return settings_class(kind).model_json_schema(ref_template=f"#/$defs/{_name(kind)}_{{model}}")


def definitions() -> dict[str, Schema]:
    """For a schema of all kinds: `target` is a map of one kind and its settings."""
    found: dict[str, Schema] = {}
    for kind in KINDS:
        schema = dict(schema_of(kind))
        parts: dict[str, Schema] = schema.pop("$defs", {})
        found[_name(kind)] = _tolerant(schema)
        found |= {f"{_name(kind)}_{name}": _tolerant(part) for name, part in parts.items()}
    properties = {kind: {"$ref": f"#/$defs/{_name(kind)}"} for kind in KINDS}
    one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {"target": {**one, "properties": properties}, **found}


def at(kind: str, path: Path) -> list[Schema]:
    """What stands at a path of the settings; several where it may be one thing or another."""
    found = [schema_of(kind)]
    for part in path:
        found = [below for schema in found for one in _choices(kind, schema) for below in _below(one, part)]
    return found


def settings_at(kind: str, path: Path) -> list[str]:
    """The names that a map at this path may have."""
    choices = [one for schema in at(kind, path) for one in _choices(kind, schema)]
    return [name for one in choices for name in one.get("properties", {})]


def about(kind: str, path: Path) -> str:
    """What the setting is for, in one sentence; "" = nobody said."""
    return next((schema["description"] for schema in at(kind, path) if "description" in schema), "") if path else ""


def is_secret(kind: str, path: Path) -> bool:
    """Whether the setting is one that nobody may see."""
    return any(schema.get("secret") for schema in at(kind, path))


def _name(kind: str) -> str:
    return f"target_{kind}"


def _choices(kind: str, schema: Schema) -> Iterator[Schema]:
    """The schema itself, or what it refers to and may be."""
    yield schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(f"#/$defs/{_name(kind)}_")
        yield from _choices(kind, schema_of(kind)["$defs"][name])
    for one in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _choices(kind, one)


def _below(schema: Schema, part: str | int) -> Iterator[Schema]:
    inner = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
    if inner is None and isinstance(part, str):
        inner = schema.get("additionalProperties")
    if isinstance(inner, dict):
        yield inner


def _tolerant(value: Any) -> Any:
    """The same, but a number will do for a text: the reader takes it as it is spelled. Titles say nothing."""
    if isinstance(value, list):
        return [_tolerant(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _tolerant(inner) for name, inner in value.items() if name != "title" or not isinstance(inner, str)}
    if found.get("type") == "string":
        found["type"] = _WORD
    elif found.get("type") == "array" and found.get("items", {}).get("type") == _WORD:
        found["type"] = ["array", *_WORD]  # one text stands for a list of it, where the kind says so
    elif found.get("type") in ("integer", "number", "boolean"):
        found["type"] = [found["type"], "string"]
    return found
