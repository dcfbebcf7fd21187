"""What is there of a step's log, in order: the frames of its segments, then what only the live tail has."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builds.logs import live, segments, times
from builds.logs.spool import Cursor
from builds.models import Segment, Step


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch that is read at once, at most some 128 KiB."""

    start: Cursor
    after: Cursor
    source: segments.Place | bytes
    marks: Sequence[times.Mark]

    def ms(self, line: int) -> int | None:
        """When a line (0-based) was printed."""
        return times.at(self.marks, line)


@dataclass(frozen=True, slots=True)
class Missing:
    """A stretch that is not there: left out by the cap, or lost."""

    start: Cursor
    after: Cursor

    @property
    def lines(self) -> int:
        """How many lines miss something."""
        return gap_lines(self.start, self.after)


def gap_lines(before: Cursor, after: Cursor) -> int:
    """How many lines between two places are missing, wholly or in part."""
    return after.lines - before.line if after.byte > before.byte else 0


@dataclass(frozen=True)
class Map:
    """A step's log as it stands: immutable, cheap, and it reads nothing from storage."""

    pieces: tuple[Piece, ...]  # by place, without overlaps
    end: Cursor  # the place after the last byte known of
    ended: bool
    complete: bool
    omitted_lines: int

    @property
    def lines(self) -> int:
        """How many lines are known of."""
        return self.end.lines

    def from_line(self, line: int) -> int:
        """Index of the first piece that can hold a byte of `line` (0-based)."""
        return bisect.bisect_left(self.pieces, line, key=lambda piece: piece.after.line)

    def from_byte(self, byte: int) -> int:
        """Index of the first piece that ends after `byte`."""
        return bisect.bisect_right(self.pieces, byte, key=lambda piece: piece.after.byte)

    def walk(self, first: int = 0) -> Iterator[Piece | Missing]:
        """Pieces from index `first` on, with what is missing between them and at the end."""
        place = self.pieces[first - 1].after if 0 < first <= len(self.pieces) else Cursor()
        for piece in self.pieces[first:]:
            if piece.start.byte > place.byte:
                yield Missing(place, piece.start)
            yield piece
            place = piece.after
        if self.end.byte > place.byte:
            yield Missing(place, self.end)


def survey(step: Step) -> Map:
    """Look at what rows and the live tail have of a step's log: two queries and, until it ended, one question to Redis."""
    # The row first: a log that ended meanwhile is then read as one that still runs, and nothing falls between.
    step.refresh_from_db(
        fields=["log_lines", "log_bytes", "log_omitted_lines", "log_complete", "log_ended", "status"],
    )
    return survey_row(step)


def survey_row(step: Step) -> Map:
    """As `survey`, of a row that was read just now."""
    # Redis before the segments: what is trimmed there after this look is in a segment by then.
    tail = live.Tail() if step.log_complete else live.tail(step.uuid)
    pieces = list(_stored(step))
    place = pieces[-1].after if pieces else Cursor()
    for piece in _unstored(tail, place):
        pieces.append(piece)
        place = piece.after
    if step.log_ended and step.log_bytes > place.byte:
        place = _last(step)
    return Map(
        pieces=tuple(pieces),
        end=place,
        ended=step.log_ended or tail.ended or step.is_final,
        complete=step.log_complete,
        omitted_lines=step.log_omitted_lines,
    )


def _last(step: Step) -> Cursor:
    # Whether the last line was finished is not known where its bytes are lost; its number is right either way.
    return Cursor(step.log_bytes, step.log_lines)


def _stored(step: Step) -> Iterator[Piece]:
    for segment in Segment.objects.filter(step=step).order_by("number").iterator():
        place = Cursor(segment.first_byte, segment.first_line, segment.starts_line)
        offset = 0
        last = len(segment.frames) - 1
        for index, (size, breaks, compressed, crc32) in enumerate(segment.frames):
            # Inside a segment a frame is cut at its last line break, where it has one.
            ends_line = segment.ends_line if index == last else breaks > 0
            after = Cursor(place.byte + size, place.line + breaks, ends_line)
            source = segments.Place(segment.storage_name, offset, compressed, size, crc32)
            yield Piece(place, after, source, segment.times)
            place, offset = after, offset + compressed


def _unstored(tail: live.Tail, place: Cursor) -> Iterator[Piece]:
    for chunk in tail.chunks:
        if chunk.end <= place.byte:
            continue
        start = Cursor(chunk.offset, chunk.line, chunk.starts_line)
        known = max(place.byte - chunk.offset, 0)
        if known:
            start = start.after(chunk.data[:known])
        data = chunk.data[known:]
        place = start.after(data)
        yield Piece(start, place, data, ((start.line, chunk.ms),))
