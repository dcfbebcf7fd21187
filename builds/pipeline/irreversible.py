"""Whether a release can be taken back: the paths under `irreversible`, and the commit that says it itself."""

from __future__ import annotations

import re

from builds.pipeline.plan import PlanContext
from builds.pipeline.report import clean
from builds.pipeline.section import Section
from builds.pipeline.when import fitting

MAX_PATTERNS = 50
_TRAILER = re.compile(r"^irreversible:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)
_NO = frozenset({"no", "false", "none"})


def read_irreversible(section: Section, context: PlanContext) -> str:
    """One sentence that says why the release cannot be taken back; "" = it can."""
    patterns, place = section.texts("irreversible"), section.entry("irreversible")
    if len(patterns) > MAX_PATTERNS:
        section.report.error(f"`irreversible` has more than {MAX_PATTERNS} patterns", place)
        return ""
    taken = fitting(section, "irreversible", context.changed or ())
    if said := _said(context.message):
        return said
    if patterns and context.changed is None:
        # Everything may have changed: better a person decides.
        return f"it is not known whether it changes {clean(patterns[0], 100)}"
    first = next((path for path in context.changed or () if path in taken), "")
    return f"{clean(first, 200)} was changed" if first else ""


def _said(message: str) -> str:
    """What the line `Irreversible: why` of a commit's message says."""
    for line in _TRAILER.findall(message):
        why = line.strip()
        if why.lower() not in _NO:
            return f"its commit says so: {clean(why, 200)}" if why else "its commit says so"
    return ""
