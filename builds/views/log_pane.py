"""What the log pane of a build page shows of a step: a stretch of lines as HTML, and how the step stands, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from builds.logs import ansi, read
from builds.logs.pieces import survey
from builds.models import Step
from builds.states import FINAL, Status
from builds.words import duration, exit_words

PAGE_LINES = 1000


@dataclass(frozen=True)
class Row:
    """One row: a line, or (`gap` > 0) a sentence in the place of that many lines. `ms` is unix time, 0 = unknown."""

    number: int
    html: SafeString
    ms: int = 0
    gap: int = 0


@dataclass(frozen=True)
class Stretch:
    """Consecutive rows, what the log holds in all, and the words under it."""

    first: int
    rows: list[Row]
    total: int
    ended: bool
    foot: str

    def as_json(self, step: Step) -> dict[str, Any]:
        """As log-store.js takes it: lines are [html, unix ms, number, lines that the row stands for]."""
        return {
            "first": self.first,
            "total": self.total,
            "ended": self.ended,
            "foot": self.foot,
            "command": step.command,
            "first_ms": int(step.started_at.timestamp() * 1000) if step.started_at else None,
            "lines": [[row.html, row.ms, row.number, row.gap] for row in self.rows],
        }


def stretch(step: Step, first: int, limit: int, *, or_last: bool = False) -> Stretch:
    """Up to `limit` lines from `first` (1-based) on; where more follow, with `or_last` the last ones."""
    log = survey(step)
    if or_last and log.lines - first >= limit:
        first = log.lines - limit + 1
    return _stretch(step, max(first, 1), read.slice_of(log, first, limit))


def _stretch(step: Step, first: int, part: read.LogSlice) -> Stretch:
    rows = [_row(row) for row in part.rows]
    # The log ends a moment before its step does: what the page is told last must be the step's end.
    return Stretch(rows[0].number if rows else first, rows, part.total, part.ended and step.is_final, foot(step, part))


def _row(row: read.Line | read.Gap) -> Row:
    if isinstance(row, read.Gap):
        return Row(row.number, format_html('<em class="log-gap">{}</em>', row.text), gap=max(row.lines, 1))
    html = SafeString(ansi.render(row.data))
    if row.more:
        html = format_html('{}<em class="log-gap"> … {} more bytes: see Raw</em>', html, row.more)
    return Row(row.number, html, row.ms or 0)


@dataclass(frozen=True)
class Pane:
    """The pane as the server writes it, complete without scripts."""

    step: Step
    stretch: Stretch
    earlier: int  # where the page before begins; 0 = there is none
    later: int  # where the page after begins; 0 = there is none


def pane(step: Step, *, first: int | None) -> Pane:
    """PAGE_LINES lines from `first` on, or the last ones."""
    shown = stretch(step, first or 1, PAGE_LINES, or_last=first is None)
    end = shown.rows[-1].number + max(shown.rows[-1].gap - 1, 0) if shown.rows else 0
    earlier = max(shown.first - PAGE_LINES, 1) if shown.first > 1 else 0
    return Pane(step, shown, earlier, end + 1 if end < shown.total else 0)


def foot(step: Step, part: read.LogSlice) -> str:
    """How the step stands, in words: never an empty pane without a sentence."""
    if step.status not in FINAL:
        return _foot_of_unfinished(step, part)
    if step.started_at is None:
        return _foot_of_unstarted(step)
    took = duration(step.finished_at - step.started_at) if step.finished_at else ""
    ending = exit_words(step.exit_code) if step.status != Status.ERRORED else ""
    words = [ending or step.get_status_display().capitalize()]
    if took:
        words.append(f"after {took}")
    sentence = " ".join(words) + "."
    if step.reason:
        sentence += f" {step.reason}"
    if step.log_lines and all(isinstance(row, read.Gap) for row in part.rows) and not step.segments.exists():
        return f"Its log was deleted. {sentence}"
    return sentence if part.total else f"It printed nothing. {sentence}"


def _foot_of_unfinished(step: Step, part: read.LogSlice) -> str:
    if step.status == Status.RUNNING:
        return "Running …" if part.total else "Running; it has printed nothing yet."
    return "Waiting for approval." if step.status == Status.WAITING else "Not started yet."


def _foot_of_unstarted(step: Step) -> str:
    word = {Status.SKIPPED: "Skipped", Status.CANCELLED: "Cancelled before it began"}.get(
        Status(step.status), "Not run"
    )
    return f"{word}: {step.reason}" if step.reason else f"{word}."
