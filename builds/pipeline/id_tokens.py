"""`id_tokens`: the variables that are to hold a token, and whom each token is for."""

from __future__ import annotations

import re

from builds.pipeline import fields
from builds.pipeline.keys import ID_TOKEN
from builds.pipeline.nodes import Entry, Mapping, Scalar
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section

MAX_TOKENS = 10
MAX_AUDIENCES = 10
MAX_AUDIENCE = 255

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def read_id_tokens(section: Section) -> dict[str, tuple[str, ...]]:
    """What stands under `id_tokens`: names of variables, and the audiences of each."""
    entry = section.entry("id_tokens")
    if entry is None:
        return {}
    if not isinstance(entry.node, Mapping):
        section.report.error("`id_tokens` needs a map by variable: `AWS_TOKEN: {aud: sts.amazonaws.com}`", entry)
        return {}
    if len(entry.node.entries) > MAX_TOKENS:
        section.report.error(f"more than {MAX_TOKENS} `id_tokens`", entry)
        return {}
    return {_name(each, section.report): _audiences(each, section.report) for each in entry.node.entries}


def _name(entry: Entry, report: Report) -> str:
    if not _VARIABLE.fullmatch(entry.key):
        report.error(
            f"`{clean(entry.key, 80)}` under `id_tokens` cannot be a variable's name: use A-Z, 0-9 and _", entry
        )
    return entry.key


def _audiences(entry: Entry, report: Report) -> tuple[str, ...]:
    name = clean(entry.key, 80)
    found: tuple[str, ...] = ()
    if isinstance(entry.node, Mapping):
        found = Section(entry.node, ID_TOKEN, report, strict=True).texts("aud")
    elif isinstance(entry.node, Scalar):
        found = fields.texts(entry, report)
    if not found or len(found) > MAX_AUDIENCES or not all(_is_audience(each) for each in found):
        report.error(
            f"the token `{name}` needs `aud`: whom it is for, such as `{{aud: sts.amazonaws.com}}`; at most"
            f" {MAX_AUDIENCES}, of at most {MAX_AUDIENCE} characters",
            entry,
        )
    return found


def _is_audience(text: str) -> bool:
    return bool(text) and len(text) <= MAX_AUDIENCE and text.isprintable() and not text.isspace()
