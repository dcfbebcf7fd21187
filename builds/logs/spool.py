"""A step's output on the runner's disk until it is stored: the head as it comes, after it a ring with the newest.

    0 ........ head_end            tail_start ........ end        offsets in the printed stream
    [ head: kept as it comes ]  gap  [ ring: the newest bytes ]   the gap is what the cap leaves out

The file has no name, so that a killed runner leaves nothing behind. One thread writes; others read with a `Cursor`.
"""

from __future__ import annotations

import io
import logging
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

HEAD_SLACK_BYTES = 64 * 1024  # so that the head can end with a whole line
PIECE_BYTES = 256 * 1024
COUNT_BYTES = 1024 * 1024
HOLES_MOST = 100
TRIES = 5


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the printed stream."""

    byte: int = 0
    line: int = 0  # line breaks before it
    starts_line: bool = True  # the byte before it is a line break, or there is none

    @property
    def lines(self) -> int:
        """How many lines begin before it."""
        return self.line + (not self.starts_line)

    def after(self, data: bytes) -> Cursor:
        """The place after `data`, which begins here."""
        if not data:
            return self
        return Cursor(self.byte + len(data), self.line + data.count(b"\n"), data.endswith(b"\n"))


@dataclass(slots=True)
class _Hole:
    """What the disk did not take: from `start` to `after`."""

    start: int
    after: Cursor


class Spool:
    """Bytes in at the end, bytes out anywhere, within a bounded file. `write` belongs to one thread."""

    def __init__(self, folder: Path, cap_bytes: int) -> None:
        self._file = _open(folder)
        self._lock = threading.Lock()
        self._ring = max(cap_bytes // 2, 1)
        self._head = cap_bytes - cap_bytes // 2
        self._head_end: Cursor | None = None  # None while the head still grows
        self._end = Cursor()
        self._holes: list[_Hole] = []

    @property
    def end(self) -> Cursor:
        """The place after the last byte printed."""
        return self._end

    @property
    def head_end(self) -> Cursor:
        """The place after what is kept from the beginning; moves until the head is full."""
        with self._lock:
            return self._head_end or self._end

    @property
    def is_whole(self) -> bool:
        """Whether the disk took everything."""
        return not self._holes

    def write(self, data: bytes) -> None:
        """Append; never raises: what the disk does not take becomes a hole that readers are told of."""
        if self._head_end is None:
            room, is_full = self._room(data)
            self._put(data[:room] if room < len(data) else data, self._end.byte)
            if not is_full:
                return
            with self._lock:
                self._head_end = self._end
            data = data[room:]
        for start in range(0, len(data), PIECE_BYTES):
            self._put_in_ring(data[start : start + PIECE_BYTES] if len(data) > PIECE_BYTES else data)

    def _room(self, data: bytes) -> tuple[int, bool]:
        """(how much of `data` still belongs to the head, whether it is full then): it ends with a line, or after its slack."""
        start, most = self._end.byte, self._head + HEAD_SLACK_BYTES - self._end.byte
        if start + len(data) < self._head:
            return len(data), False
        newline = data.find(b"\n", max(self._head - 1 - start, 0), most)
        if newline >= 0:
            return newline + 1, True
        return min(len(data), most), len(data) >= most

    @property
    def _ring_space(self) -> int:
        # A piece more than is promised, so that what is being written never lies on what may be read.
        return self._ring + PIECE_BYTES

    def _ring_place(self, byte: int) -> int:
        assert self._head_end is not None
        return (byte - self._head_end.byte) % self._ring_space

    def _put_in_ring(self, piece: bytes) -> None:
        at = self._ring_place(self._end.byte)
        first = self._ring_space - at
        for part in (piece,) if len(piece) <= first else (piece[:first], piece[first:]):
            self._put(part, self._head + HEAD_SLACK_BYTES + self._ring_place(self._end.byte))

    def _put(self, data: bytes, place: int) -> None:
        after = self._end.after(data)
        taken = len(self._holes) < HOLES_MOST and self._pwrite(data, place)
        with self._lock:
            if not taken:
                self._note_hole(self._end.byte, after)
            self._end = after

    def _pwrite(self, data: bytes, place: int) -> bool:
        view = memoryview(data)
        if self._file is None:
            return False
        try:
            while view:
                written = os.pwrite(self._file.fileno(), view, place)
                view, place = view[written:], place + written
        except OSError:
            return False
        return True

    def _note_hole(self, start: int, after: Cursor) -> None:
        if self._holes and self._holes[-1].after.byte == start:
            self._holes[-1].after = after
        else:
            self._holes.append(_Hole(start, after))

    def read(self, cursor: Cursor, limit: int) -> tuple[Cursor, bytes]:
        """Up to `limit` bytes from `cursor`, or from the next place that is kept; the cursor returned says from where.

        No bytes: nothing there (yet).
        """
        while True:
            cursor = self._past_hole(cursor)
            if self._is_overwritten(cursor.byte):
                cursor = self.newest(self._ring)
            data = self._pread(cursor.byte, limit)
            if not self._is_overwritten(cursor.byte):
                return cursor, data

    def newest(self, byte_count: int) -> Cursor:
        """A place about `byte_count` bytes before the end (at most the ring), where a line starts if one does nearby."""
        for _ in range(TRIES):
            end = self._end
            start = max(end.byte - min(byte_count, self._ring), 0)
            if self._holes and self._holes[-1].after.byte > start:
                return self._holes[-1].after
            cursor = self._count_back(start, end)
            if not self._is_overwritten(start):
                return cursor
        return self._end  # the writer is faster than any reader could be

    def _count_back(self, start: int, end: Cursor) -> Cursor:
        breaks, skipped, at = 0, -1, start
        near = min(HEAD_SLACK_BYTES, (end.byte - start) // 2)
        while at < end.byte and (data := self._pread(at, min(COUNT_BYTES, end.byte - at))):
            if at == start and start > 0:
                skipped = data.find(b"\n", 0, near)
            breaks += data.count(b"\n")
            at += len(data)
        if start == 0:
            return Cursor()
        if skipped < 0:
            return Cursor(start, end.line - breaks, starts_line=False)
        return Cursor(start + skipped + 1, end.line - breaks + 1)

    def _past_hole(self, cursor: Cursor) -> Cursor:
        for hole in list(self._holes):
            if hole.start <= cursor.byte < hole.after.byte:
                return hole.after
        return cursor

    def _is_overwritten(self, byte: int) -> bool:
        with self._lock:
            return self._head_end is not None and self._head_end.byte <= byte < self._end.byte - self._ring

    def _pread(self, byte: int, limit: int) -> bytes:
        """What lies in one piece in the file from `byte` on; less than asked at a hole, the head's end and the ring's."""
        with self._lock:
            head_end, end = self._head_end, self._end.byte
            stop = min([end, byte + limit, *(hole.start for hole in self._holes if hole.start >= byte)])
        if head_end is None or byte < head_end.byte:
            size, place = min(stop, head_end.byte if head_end else stop) - byte, byte
        else:
            at = self._ring_place(byte)
            size, place = min(stop - byte, self._ring_space - at), self._head + HEAD_SLACK_BYTES + at
        return os.pread(self._file.fileno(), size, place) if size > 0 and self._file else b""

    def close(self) -> None:
        """Give the disk space back."""
        if self._file is not None:
            self._file.close()


def _open(folder: Path) -> io.FileIO | None:
    """A file without a name, or None where the disk refuses even that: then everything is one hole."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        logger.error("No spool for logs in %s: %s", folder, error)
        return None
