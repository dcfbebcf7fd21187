"""The JSON Schema of ciservice.yml, for editors; made of the same table that the reader checks files against."""

from __future__ import annotations

from typing import Any

from builds.pipeline.keys import (
    APPROVAL,
    BUILD,
    CACHE,
    DEPLOYMENT,
    FILE,
    ID_TOKEN,
    PIPELINE,
    PROBE,
    RETRY,
    ROLLBACK,
    SCHEDULE,
    SERVICE,
    STEP,
    WATCH,
    WHEN,
    Kind,
    Support,
    Table,
)
from builds.pipeline.target_schema import definitions

_WORD: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_WORDS: dict[str, Any] = {"type": "array", "items": _WORD}
_DURATION = {"type": "string", "pattern": "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "minLength": 2}
_PERCENT = {"type": "string", "pattern": "^[0-9]{1,2}([.][0-9]{1,2})? ?%$"}
_STATUS = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[1-5]([0-9]{2}|xx|XX)$"}]}
_LOOK = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/probe"}, {"$ref": "#/$defs/step"}]}
_SHAPES: dict[Kind, dict[str, Any]] = {
    Kind.ANY: {},
    Kind.TEXT: _WORD,
    Kind.FLAG: {"type": ["boolean", "string"]},
    Kind.DURATION: _DURATION,
    Kind.SPAN: {**_DURATION, "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"},
    Kind.MILLISECONDS: {"type": "string", "pattern": "^([0-9]+ms|([0-9]+m)?([0-9]+s)?)$", "minLength": 2},
    Kind.DAYS: {"type": "string", "pattern": "^[0-9]+d$"},
    Kind.STATUSES: {"anyOf": [_STATUS, {"type": "array", "minItems": 1, "items": _STATUS}]},
    Kind.VERIFY: {"anyOf": [_LOOK, {"type": "array", "minItems": 1, "items": _LOOK}]},
    Kind.APPROVAL: {"anyOf": [{"type": "string"}, _WORDS, {"$ref": "#/$defs/approval"}]},
    Kind.PERCENTS: {"anyOf": [_PERCENT, {"type": "array", "minItems": 1, "items": _PERCENT}]},
    Kind.ROLLBACK: {"anyOf": [{"enum": ["auto", "manual"]}, {"$ref": "#/$defs/rollback"}]},
    Kind.WATCH: {"anyOf": [_DURATION, {"$ref": "#/$defs/watch"}]},
    Kind.TARGET: {"$ref": "#/$defs/target"},
    Kind.CONCURRENCY: {"enum": ["supersede", "queue"]},
    Kind.TEXTS: {"anyOf": [_WORD, _WORDS]},
    Kind.ARGV: {"anyOf": [_WORD, _WORDS]},
    Kind.PAIRS: {"anyOf": [{"type": "object", "additionalProperties": _WORD}, _WORDS, {"type": "null"}]},
    Kind.CIPHERTEXTS: {"anyOf": [_WORD, _WORDS, {"type": "object", "additionalProperties": _WORD}]},
    Kind.LINKS: {"anyOf": [_WORD, _WORDS, {"type": "object"}]},
    Kind.VOLUMES: {"anyOf": [_WORD, {"type": "array", "items": {"anyOf": [_WORD, {"type": "object"}]}}]},
    Kind.BUILD: {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/build"}]},
    Kind.STEPS: {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/step"}]}},
    Kind.SERVICES: {"type": "object", "additionalProperties": {"$ref": "#/$defs/service"}},
    Kind.PIPELINES: {"type": "object", "additionalProperties": {"$ref": "#/$defs/pipeline"}},
    Kind.NUMBER: {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,2}$"}]},
    Kind.WHEN: {"$ref": "#/$defs/when"},
    Kind.MATRIX: {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array"}},
    Kind.RETRY: {"anyOf": [{"type": "integer", "minimum": 0}, {"$ref": "#/$defs/retry"}]},
    Kind.CACHES: {"anyOf": [{"$ref": "#/$defs/cache"}, {"type": "array", "items": {"$ref": "#/$defs/cache"}}]},
    Kind.SCHEDULES: {"anyOf": [{"$ref": "#/$defs/schedule"}, {"type": "array", "items": {"$ref": "#/$defs/schedule"}}]},
    Kind.ID_TOKENS: {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
        "additionalProperties": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/id_token"}]},
    },
    Kind.DEPLOYMENTS: {"type": "object", "additionalProperties": {"$ref": "#/$defs/deployment"}},
}
_USABLE = frozenset({Support.WORKS, Support.HARMLESS, Support.SILENT})


def schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) that knows every key which is not an error."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ciservice.yml",
        **_object(FILE),
        "anyOf": [{"required": ["steps"]}, {"required": ["pipelines"]}, {"required": ["deployments"]}],
        "$defs": {
            "pipeline": {**_object(PIPELINE), "required": ["steps"]},
            "deployment": {**_object(DEPLOYMENT), "required": ["steps"]},
            "probe": {**_object(PROBE), "required": ["http"]},
            "approval": {**_object(APPROVAL), "required": ["from"]},
            "rollback": {**_object(ROLLBACK), "minProperties": 1},
            "watch": _object(WATCH),
            "when": _object(WHEN),
            "retry": _object(RETRY),
            "cache": {**_object(CACHE), "required": ["key", "paths"]},
            "id_token": {**_object(ID_TOKEN), "required": ["aud"]},
            "schedule": {**_object(SCHEDULE), "required": ["cron"]},
            "step": _object(STEP),
            "service": _object(SERVICE),
            "build": _object(BUILD),
            **definitions(),
        },
    }


def _object(table: Table) -> dict[str, Any]:
    properties = {key.name: _property(key.kind, key.about) for key in table.values() if key.support in _USABLE}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(kind: Kind, about: str) -> dict[str, Any]:
    shape = dict(_SHAPES[kind])
    if about:
        shape["description"] = about
    return shape
