"""Plain values as the text of a YAML file that reads as if a person had written it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

Value = str | bool | int | Sequence["Value"] | Mapping[str, "Value"]

_PLAIN = re.compile(r"[A-Za-z./_$][A-Za-z0-9 ./_=@+$()&|,\"'<>*!?;~^%-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def to_yaml(value: Mapping[str, Value]) -> str:
    """The text; empty maps and lists are left out."""
    return "".join(f"{line}\n" for line in _map(value, ""))


def _map(value: Mapping[str, Value], indent: str) -> Iterator[str]:
    for key, inner in value.items():
        if inner not in ("", {}, [], ()) or isinstance(inner, bool):
            yield from _pair(f"{indent}{_scalar(key)}:", inner, indent + "  ")


def _pair(head: str, value: Value, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield head
        yield from _map(value, indent)
    elif isinstance(value, str | bool | int):
        yield from _text(head, value, indent)
    elif all(isinstance(item, str) and "\n" not in item for item in value) and _length(value) < 80:
        yield f"{head} [{', '.join(_scalar(str(item), inside=True) for item in value)}]"
    else:
        yield head
        for item in value:
            yield from _item(item, indent)


def _length(value: Sequence[Value]) -> int:
    return sum(len(str(item)) + 2 for item in value)


def _item(item: Value, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping):
        lines = list(_map(item, indent + "  "))
        yield f"{indent}- {lines[0].lstrip()}"
        yield from lines[1:]
    else:
        yield from _pair(f"{indent}-", item, indent + "  ")


def _text(head: str, value: str | bool | int, indent: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{head} {json.dumps(value)}"
    elif "\n" in value.strip("\n") and _may_be_block(value):
        yield f"{head} |"
        yield from (f"{indent}{line}" if line else "" for line in value.strip("\n").split("\n"))
    else:
        yield f"{head} {_scalar(value)}"


def _may_be_block(value: str) -> bool:
    """A block begins where its first line begins, and knows no special characters."""
    return not value.strip("\n").startswith((" ", "\t")) and all(c.isprintable() or c in "\n\t" for c in value)


def _scalar(text: str, *, inside: bool = False) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and text == text.strip()
    if plain and not (inside and any(c in text for c in ",[]{}\"'")):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)
