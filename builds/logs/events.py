"""What streams send: Server-Sent Events as bytes, rendered once and shared by all who watch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from builds.logs.ansi import render
from builds.logs.read import LINE_BYTES, Line

Row = tuple[int, int | None, str]
"""(line number, unix ms, HTML)."""


class Form(StrEnum):
    """How a stream shows logs."""

    HTML = "html"  # rows for the page: {"step", "first", "rows": [[number, ms, html], ...], "total", "ended"}
    TEXT = "text"  # for programs: {"step", "text", "offset", "ended"}
    HINT = "hint"  # only that there is more: {"step", "uuid", "total", "ended"}


def sse(name: str, data: Mapping[str, object], event_id: str | int = "") -> bytes:
    """One event. `data` is JSON, so that no line of it can look like another field."""
    head = f"id: {event_id}\n" if event_id != "" else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, separators=(',', ':'), default=str)}\n\n".encode()


def row(line: Line) -> Row:
    """A line as a row of the page."""
    html = render(line.data)
    if line.more:
        html += f'<span class="log-more">… {line.more} more bytes</span>'
    return line.number, line.ms, html


def rows_event(step: str, rows: Sequence[Row], *, total: int, end_byte: int | str, ended: bool = False) -> bytes:
    """Rows for the page; the last may be an unfinished line, which a later event replaces. `end_byte` "" = more follows."""
    first = rows[0][0] if rows else total + 1
    return sse("log", {"step": step, "first": first, "rows": rows, "total": total, "ended": ended}, end_byte)


def text_event(step: str, data: bytes, *, end_byte: int, ended: bool = False) -> bytes:
    """Text for programs; `offset` is where the next goes on."""
    text = data.decode("utf-8", "replace")
    return sse("log", {"step": step, "text": text, "offset": end_byte, "ended": ended}, end_byte)


def hint_event(step: str, *, total: int, ended: bool = False) -> bytes:
    """That a log has grown."""
    return sse("log", {"step": step, "uuid": step, "total": total, "ended": ended})


def skip_event(step: str, *, first: int, total: int, end_byte: int) -> bytes:
    """What lies before line `first` comes too fast or is too much: it is to be had over HTTP."""
    return sse("skip", {"step": step, "first": first, "total": total}, end_byte)


@dataclass(frozen=True)
class Told:
    """An event of a topic."""

    event: Mapping[str, object]

    @cached_property
    def payload(self) -> bytes:
        """As bytes."""
        kind = str(self.event.get("type", ""))
        return sse(kind if kind.isidentifier() and len(kind) < 40 else "message", self.event)

    def size(self, form: str) -> int:
        """Bytes of it."""
        return len(self.payload)


@dataclass(frozen=True)
class Stretch:
    """New output of one step. `before` is the unfinished line that it continues."""

    step: str
    start: int  # byte offsets
    end: int
    data: bytes
    ms: int
    before: Line
    hides_first: bool = False  # its first line lacks its beginning
    shows_unfinished: bool = True
    ended: bool = False
    _payloads: dict[str, bytes] = field(default_factory=dict, compare=False)

    @property
    def total(self) -> int:
        """Lines known of, after it."""
        return self.before.number + self.data.count(b"\n") - (not self.after.data and not self.after.more)

    @cached_property
    def after(self) -> Line:
        """The unfinished line at its end; empty where the last one is finished."""
        return self.lines[-1]

    @cached_property
    def lines(self) -> list[Line]:
        """Its lines; the last is the unfinished one, perhaps empty."""
        parts = self.data.split(b"\n")
        lines = [_longer(self.before, self.ms, parts[0])]
        lines += [_line(self.before.number + index, self.ms, part) for index, part in enumerate(parts[1:], 1)]
        return lines

    def size(self, form: str) -> int:
        """Bytes of it in a form."""
        return len(self.payload(form))

    def payload(self, form: str) -> bytes:
        """As bytes, made once for each form."""
        if form not in self._payloads:
            self._payloads[form] = self._make(form)
        return self._payloads[form]

    def _make(self, form: str) -> bytes:
        if form == Form.TEXT:
            return text_event(self.step, self.data, end_byte=self.end, ended=self.ended)
        if form == Form.HINT:
            return hint_event(self.step, total=self.total, ended=self.ended)
        shown = [line for line in self.lines[1 if self.hides_first else 0 :] if line is not self.after]
        hidden = self.hides_first and self.after is self.lines[0]
        if self.shows_unfinished and (self.after.data or self.after.more) and not hidden:
            shown.append(self.after)
        return rows_event(
            self.step, [row(line) for line in shown], total=self.total, end_byte=self.end, ended=self.ended
        )


def _line(number: int, ms: int | None, data: bytes) -> Line:
    return Line(number, ms, data[:LINE_BYTES], max(len(data) - LINE_BYTES, 0), is_finished=False)


def _longer(line: Line, ms: int, data: bytes) -> Line:
    room = LINE_BYTES - len(line.data)
    begun = line.ms if line.data or line.more else ms
    return Line(line.number, begun, line.data + data[:room], line.more + max(len(data) - room, 0), is_finished=False)


@dataclass(frozen=True)
class Skip:
    """Output that goes by too fast to be shown, or that Redis lost."""

    step: str
    start: int
    end: int
    first: int  # number of the first line that follows
    total: int

    def payload(self, form: str) -> bytes:
        """As bytes."""
        if form == Form.HINT:
            return hint_event(self.step, total=self.total)
        return skip_event(self.step, first=self.first, total=self.total, end_byte=self.end)

    def size(self, form: str) -> int:
        """Bytes of it."""
        return len(self.payload(form))
