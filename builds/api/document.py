"""The API's own document: what every operation has in common is said once, here."""

from __future__ import annotations

from typing import Any

from builds.api.scopes import SCOPES

_ERRORS = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}
_UNAUTHORIZED = {"application/json": {"schema": {"$ref": "#/components/schemas/Unauthorized"}}}
_OF_EVERY_TOKEN = {
    "401": {"description": "No valid token", "content": _UNAUTHORIZED},
    "403": {"description": "A right or a scope is missing, or too many requests in a minute", "content": _ERRORS},
}
_ABSENT = {"404": {"description": "Not there, or not theirs", "content": _ERRORS}}
_WRONG = {"400": {"description": "What is asked for does not do", "content": _ERRORS}}
Document = dict[str, Any]


def complete(document: Document) -> Document:
    """The document with the answers that each operation shares with others, and the scope that a token needs."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            common = {**_WRONG, **(_ABSENT if "{" in path else {})}
            if "security" in operation:
                common.update(_OF_EVERY_TOKEN)
                scope = SCOPES.get(operation["operationId"])
                operation["x-scope"] = None if scope is None else str(scope)
            known = {str(code) for code in answers}
            answers.update({int(code): answer for code, answer in common.items() if code not in known})
    return document
