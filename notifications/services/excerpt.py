"""The failing lines: the end of a step's log as plain text."""

from __future__ import annotations

import re

from builds.logs.read import Gap, Line, last_lines
from builds.models import Step
from notifications.services.texts import block, shortened

LINES = 15
LINE_LENGTH = 300

# Colours and cursor moves (CSI), titles and links (OSC), and the short ones.
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


def excerpt(step: Step) -> str:
    """The last LINES lines, without empty ones at the end; "" where the step printed nothing."""
    rows = last_lines(step, LINES).rows
    return "\n".join(_text(row) for row in rows).strip("\n")


def _text(row: Line | Gap) -> str:
    if isinstance(row, Gap):
        return row.text
    shown = row.data.rstrip(b"\r").rpartition(b"\r")[2]  # what a terminal would have left on the line
    text = block(_ESCAPES.sub(b"", shown).decode(errors="replace"), LINE_LENGTH * 4)
    return shortened(text.rstrip(), LINE_LENGTH)
