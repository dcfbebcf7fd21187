"""Reads a step's log, while it runs and after: ranges of lines, all bytes, the last lines, a search."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from builds.logs import segments
from builds.logs.pieces import Map, Missing, Piece, survey
from builds.models import Step

LINE_BYTES = 64 * 1024
SLICE_LINES = 5000
SLICE_BYTES = 4 * 1024 * 1024
SEARCH_SECONDS = 5.0


class Why(StrEnum):
    """Why lines are not there."""

    OMITTED = "omitted"  # the log is over its limit
    LOST = "lost"  # the runner, its disk or the storage failed
    DAMAGED = "damaged"  # stored, but not readable any more
    PENDING = "not stored yet"  # the step still runs: they come, or are left out in the end


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `number` is 1-based; `data` has no line break and at most LINE_BYTES."""

    number: int
    ms: int | None  # unix time of printing
    data: bytes
    more: int = 0  # bytes of the line that are left out here
    is_finished: bool = True  # False: no line break yet


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that are not there; `number` is the first of them, `lines` 0 where only the end is in doubt."""

    number: int
    lines: int
    byte_count: int
    why: Why

    @property
    def text(self) -> str:
        """For people, in one line."""
        if not self.lines:
            return "... the end of this log may be missing ..."
        noun = "line" if self.lines == 1 else "lines"
        return f"... {self.lines} {noun} {self.why} ({self.byte_count} bytes) ..."


@dataclass(frozen=True)
class LogSlice:
    """A range of a log. `total` counts the lines known of so far."""

    rows: tuple[Line | Gap, ...]
    total: int
    ended: bool


def lines(step: Step, first: int, limit: int) -> LogSlice:
    """Up to `limit` lines from number `first` (1-based) on; fewer where they are very long. Never raises for bad data."""
    log = survey(step)
    return slice_of(log, first, limit)


def slice_of(log: Map, first: int, limit: int) -> LogSlice:
    """As `lines`, of a log that was surveyed."""
    first, limit = max(first, 1), max(min(limit, SLICE_LINES), 0)
    with segments.Reader() as reader:
        rows = _Rows(log, first, limit).collect(reader) if limit else ()
    return LogSlice(rows, log.lines, log.ended)


class _Rows:
    """Puts lines together from pieces; a line may span many of them, of which no more is read than is shown."""

    def __init__(self, log: Map, first: int, limit: int) -> None:
        self._log = log
        self._first = first
        self._last = first + limit - 1
        self._rows: list[Line | Gap] = []
        self._number = 0  # of the line that is being put together; 0 = none
        self._ms: int | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._more = 0
        self._bytes = 0

    def collect(self, reader: segments.Reader) -> tuple[Line | Gap, ...]:
        for stretch in self._log.walk(self._log.from_line(self._first - 1)):
            if stretch.start.line + 1 > self._last or self._bytes > SLICE_BYTES:
                break
            if isinstance(stretch, Missing):
                self._miss(stretch, why_missing(self._log, stretch))
            elif self._size >= LINE_BYTES and stretch.after.line == stretch.start.line:
                self._more += stretch.after.byte - stretch.start.byte
            else:
                self._take(stretch, reader)
        if self._number:
            self._finish(is_finished=False)
        if self._log.ended and not self._log.complete and self._last > self._log.lines and not _has_loss(self._log):
            self._rows.append(Gap(self._log.lines + 1, 0, 0, Why.LOST))
        return tuple(self._rows)

    def _take(self, piece: Piece, reader: segments.Reader) -> None:
        try:
            data = read(piece, reader)
        except segments.Damaged:
            self._miss(Missing(piece.start, piece.after), Why.DAMAGED)
            return
        number, start = piece.start.line + 1, 0
        for _ in range(self._first - number):
            start = data.find(b"\n", start) + 1
        number = max(number, self._first)
        while start < len(data) and number <= self._last:
            end = data.find(b"\n", start)
            self._add(number, data, start, end if end >= 0 else len(data), piece)
            if end < 0:
                return
            self._finish(is_finished=True)
            start, number = end + 1, number + 1

    def _add(self, number: int, data: bytes, start: int, end: int, piece: Piece) -> None:
        if self._number != number:
            self._number, self._ms = number, piece.ms(number - 1)
        part = data[start : min(end, start + LINE_BYTES - self._size)]
        self._parts.append(part)
        self._size += len(part)
        self._more += end - start - len(part)

    def _finish(self, *, is_finished: bool) -> None:
        self._rows.append(Line(self._number, self._ms, b"".join(self._parts), self._more, is_finished))
        self._bytes += self._size
        self._number, self._parts, self._size, self._more = 0, [], 0, 0

    def _miss(self, gap: Missing, why: Why) -> None:
        if self._number and gap.after.line == self._number - 1:  # all inside the line being put together
            self._more += gap.after.byte - gap.start.byte
            return
        if self._number:
            self._finish(is_finished=False)
        self._rows.append(gap_of(gap, why))


def gap_of(gap: Missing, why: Why) -> Gap:
    """A missing stretch as a row; a line that is there in part keeps its own."""
    return Gap(gap.start.lines + 1, gap.lines, gap.after.byte - gap.start.byte, why)


def read(piece: Piece, reader: segments.Reader) -> bytes:
    """The bytes of a piece. Raises `Damaged`."""
    return piece.source if isinstance(piece.source, bytes) else reader.read(piece.source)


def why_missing(log: Map, gap: Missing) -> Why:
    if not log.ended:
        return Why.PENDING
    if log.complete or gap.lines == log.omitted_lines:
        return Why.OMITTED
    return Why.LOST


def _has_loss(log: Map) -> bool:
    return any(isinstance(stretch, Missing) and why_missing(log, stretch) == Why.LOST for stretch in log.walk())


def raw(step: Step) -> Iterator[bytes]:
    """All bytes there are now, as printed; a line of ours stands where some are not there."""
    log = survey(step)
    with segments.Reader() as reader:
        ends_line = True
        for stretch in log.walk():
            if isinstance(stretch, Missing):
                yield _marker(stretch, why_missing(log, stretch), ends_line=ends_line)
                ends_line = True
                continue
            try:
                data = read(stretch, reader)
            except segments.Damaged:
                data = _marker(Missing(stretch.start, stretch.after), Why.DAMAGED, ends_line=ends_line)
            ends_line = data.endswith(b"\n")
            yield data
        if log.ended and not log.complete and not _has_loss(log):
            yield (b"" if ends_line else b"\n") + Gap(0, 0, 0, Why.LOST).text.encode() + b"\n"


def _marker(gap: Missing, why: Why, *, ends_line: bool) -> bytes:
    return (b"" if ends_line else b"\n") + gap_of(gap, why).text.encode() + b"\n"


def last_lines(step: Step, count: int) -> LogSlice:
    """The last `count` lines known of."""
    log = survey(step)
    return slice_of(log, log.lines - count + 1, count)


@dataclass(frozen=True)
class Matches:
    """Numbers (1-based) of lines found, in order; `complete` is False where the limit or the time ended the search."""

    numbers: tuple[int, ...]
    complete: bool


_SGR = re.compile(rb"\x1b\[[0-9;:]*m")


def search(step: Step, pattern: str, limit: int = 200) -> Matches:
    """Find lines that contain `pattern`, without regard to case or colours; ends after SEARCH_SECONDS."""
    if not pattern or "\n" in pattern:
        return Matches((), complete=True)
    log, wanted = survey(step), _pattern(pattern)
    found: list[int] = []
    deadline = time.monotonic() + SEARCH_SECONDS
    with segments.Reader() as reader:
        for line, data in _searchable(log, reader, len(pattern.encode())):
            for number in _matches(data, line, wanted):
                if found and found[-1] == number:
                    continue
                if len(found) == limit:
                    return Matches(tuple(found), complete=False)
                found.append(number)
            if time.monotonic() > deadline:
                return Matches(tuple(found), complete=False)
    return Matches(tuple(found), complete=True)


def _pattern(text: str) -> re.Pattern[bytes]:
    """Case does not matter: of ASCII by the flag, of other letters by naming both."""
    parts = []
    for letter in text:
        both = dict.fromkeys(re.escape(form.encode()) for form in (letter, letter.lower(), letter.upper()))
        parts.append(re.escape(letter.encode()) if letter.isascii() else b"(?:" + b"|".join(both) + b")")
    return re.compile(b"".join(parts), re.IGNORECASE)


def _searchable(log: Map, reader: segments.Reader, overlap: int) -> Iterator[tuple[int, bytes]]:
    """(line, bytes) of the stretches to search; each begins with the end of the one before, where a line spans both."""
    rest, place = b"", None
    for stretch in log.walk():
        if isinstance(stretch, Missing):
            continue
        try:
            data = _SGR.sub(b"", read(stretch, reader))
        except segments.Damaged:
            continue
        if place != stretch.start.byte:
            rest = b""
        yield stretch.start.line, rest + data
        line = data[data.rfind(b"\n") + 1 :] if b"\n" in data else rest + data
        rest, place = line[-overlap:], stretch.after.byte


def _matches(data: bytes, line: int, wanted: re.Pattern[bytes]) -> Iterator[int]:
    counted, at = 0, 0
    while found := wanted.search(data, at):
        line += data.count(b"\n", counted, found.start())
        counted = found.start()
        yield line + 1
        end = data.find(b"\n", found.end())
        at = end if end >= 0 else len(data)
