"""The live log of one step in this process: what comes from Redis becomes news, and late comers are told the rest."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from builds.logs import live, segments
from builds.logs.events import Skip, Stretch, hint_event, row, rows_event, skip_event
from builds.logs.hub import Channel, in_thread
from builds.logs.pieces import Map, survey_row
from builds.logs.read import Gap, Line, read, slice_of
from builds.models import Step

ROUND_BYTES = 64 * 1024  # of output in one event; what comes faster is skipped and read over HTTP
RECENT_BYTES = 256 * 1024
GAP_BYTES = 256 * 1024  # more than this behind: go on at the end
TAIL_BYTES = 64 * 1024
LOOK_SECONDS = 1.0
LONG_LINE_BYTES = 4096  # unfinished lines above this are sent again only when they have grown by a quarter
EVENT_LINES = 1000

LogNews = Stretch | Skip
Caught = tuple[list[bytes], int]
"""(events, offset after them)."""


class LogChannel(Channel):
    """One step's log."""

    def __init__(self, step_uuid: str) -> None:
        super().__init__(live.log_key(step_uuid))
        self.step = step_uuid
        self.end = 0  # offset up to which subscribers were told
        self.ended = False
        self._line = Line(1, None, b"")  # the unfinished one
        self._shown = 0  # how long it was when it was sent
        self._held = b""  # the beginning of a letter whose rest is still to come
        self._recent: deque[LogNews] = deque()
        self._recent_bytes = 0
        self._look: asyncio.Task[Map] | None = None
        self._looked_at = 0.0
        self._told: dict[int, asyncio.Task[Caught]] = {}
        self._is_fragment = False  # the unfinished line lacks its beginning

    async def begin(self, follower: live.Follower) -> None:
        """Begin where rows and Redis end now."""
        log = await self.look()
        self.end, self.ended = log.end.byte, log.ended
        self.position = f"{log.end.byte}-0"
        self._line = Line(log.end.line + 1, None, b"")
        if not log.end.starts_line:
            rows = (await in_thread(lambda: slice_of(log, log.lines, 1))).rows
            if rows and isinstance(rows[0], Line):
                self._line = rows[0]
            self._hold_letter()

    def _hold_letter(self) -> None:
        keep = 0 if self._line.more else unfinished_letter(self._line.data)
        data = self._line.data
        self._line, self._held = replace(self._line, data=data[: len(data) - keep]), data[len(data) - keep :]
        self.end -= keep

    async def look(self, *, since: float = 0.0) -> Map:
        """The step's log as rows and Redis have it, read once for all who ask.

        At most LOOK_SECONDS old, not older than `since` (monotonic seconds), and not behind what was told.
        """
        since = max(since, time.monotonic() - LOOK_SECONDS)
        log = await self._looked(since)
        return log if log.end.byte >= self.end else await self._looked(time.monotonic())

    async def _looked(self, since: float) -> Map:
        if self._look is None or self._looked_at < since:
            self._looked_at = time.monotonic()
            self._told.clear()
            self._look = asyncio.create_task(in_thread(lambda: survey_row(Step.objects.get(uuid=self.step))))
        return await asyncio.shield(self._look)

    def close(self) -> None:
        """The last subscriber left."""
        super().close()
        for task in (self._look, *self._told.values()):
            if task is not None:
                task.cancel()

    @property
    def hint(self) -> bytes:
        """That there is a log to look at."""
        total = self._line.number - (not self._line.data and not self._line.more)
        return hint_event(self.step, total=total, ended=self.ended)

    def receive(self, entries: Sequence[live.Entry]) -> None:
        """Make one stretch of what follows each other, and a skip of what does not fit or is missing."""
        chunks = [chunk for entry in entries if (chunk := live.read_chunk(entry)) and chunk.end > self.end]
        ended = any(b"e" in fields for _, fields in entries)
        while sum(len(chunk.data) for chunk in chunks[1:]) >= ROUND_BYTES:
            del chunks[0]
        start = 0
        for index in range(1, len(chunks)):
            if chunks[index].offset != chunks[index - 1].end:
                start = index
        if chunks:
            self._go_on(chunks[start:], ended=ended)
        elif ended and not self.ended:
            held, self._held = self._held, b""
            self._say(self._stretch(held, _now(), ended=True))
        self.ended = self.ended or ended

    def _go_on(self, chunks: Sequence[live.Chunk], *, ended: bool) -> None:
        first = chunks[0]
        data = b"".join(chunk.data for chunk in chunks)
        if first.offset > self.end + len(self._held):
            self._skip_to(first)
        data = self._held + data[max(self.end + len(self._held) - first.offset, 0) :]
        keep = 0 if ended else unfinished_letter(data)
        self._held = data[len(data) - keep :]
        data = data[: len(data) - keep]
        if data or ended:
            self._say(self._spared(self._stretch(data, first.ms, ended=ended)))

    def _stretch(self, data: bytes, ms: int, *, ended: bool) -> Stretch:
        end = self.end + len(data)
        return Stretch(self.step, self.end, end, data, ms, self._line, hides_first=self._is_fragment, ended=ended)

    def _spared(self, stretch: Stretch) -> Stretch:
        """The stretch without its long unfinished line, where that has hardly grown since it was sent."""
        size = len(stretch.after.data)
        if b"\n" in stretch.data:
            self._shown = 0
        if size > LONG_LINE_BYTES and size < self._shown * 1.25:
            return replace(stretch, shows_unfinished=False)
        self._shown = size
        return stretch

    def _skip_to(self, chunk: live.Chunk) -> None:
        self._held = b""
        first = chunk.line + 1 + (not chunk.starts_line)
        self._say(Skip(self.step, self.end, chunk.offset, first, first))
        self._shown = 0
        # The rest of a line whose beginning went by is not shown as if it were the whole.
        self._line = Line(chunk.line + 1, chunk.ms, b"")
        self._is_fragment = not chunk.starts_line

    def _say(self, news: LogNews) -> None:
        self.end = news.end
        if isinstance(news, Stretch):
            self._line = news.after
            self._is_fragment = self._is_fragment and b"\n" not in news.data
        self._recent.append(news)
        self._recent_bytes += news.end - news.start if isinstance(news, Stretch) else 0
        while self._recent_bytes > RECENT_BYTES:
            gone = self._recent.popleft()
            self._recent_bytes -= gone.end - gone.start if isinstance(gone, Stretch) else 0
        self.tell(news)

    def recent(self, from_byte: int) -> list[LogNews] | None:
        """The news from `from_byte` on, where they are still remembered without a gap; None: look."""
        if from_byte >= self.end:
            return []
        if self._recent and self._recent[0].start <= from_byte:
            return [news for news in self._recent if news.end > from_byte]
        return None

    async def rows_since(self, from_byte: int, *, since: float = 0.0) -> Caught:
        """What brings a page from an offset to now; the same question is answered once for all who ask it together."""
        log = await self.look(since=since)
        if from_byte not in self._told:
            self._told[from_byte] = asyncio.create_task(in_thread(lambda: rows_since(self.step, log, from_byte)))
        return await asyncio.shield(self._told[from_byte])


def _now() -> int:
    return int(time.time() * 1000)


def unfinished_letter(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 letter that goes on, 0 to 3."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def rows_since(step: str, log: Map, from_byte: int) -> tuple[list[bytes], int]:
    """Events with the rows from an offset to the end; a skip instead of what is more than GAP_BYTES."""
    end = log.end.byte
    if from_byte >= end:
        ended = rows_event(step, [], total=log.lines, end_byte=end, ended=True)
        return [ended] if log.ended else [], max(from_byte, end)
    events: list[bytes] = []
    if end - from_byte > GAP_BYTES:
        start = log.pieces[min(log.from_byte(end - TAIL_BYTES), len(log.pieces) - 1)].start
        number = start.line + 1 + (not start.starts_line)
        events.append(skip_event(step, first=number, total=log.lines, end_byte=start.byte))
    else:
        number = line_at(log, from_byte)
    while number <= log.lines:
        rows = slice_of(log, number, EVENT_LINES).rows
        if not rows:
            break
        shown = [row(each) if isinstance(each, Line) else gap_row(each) for each in rows]
        number = max(number, *(_last_number(each) for each in rows)) + 1
        # A browser that leaves between two of these must not come back after what it has not seen.
        place = end if number > log.lines else ""
        events.append(rows_event(step, shown, total=log.lines, end_byte=place, ended=log.ended and place != ""))
    return events, end


def gap_row(gap: Gap) -> tuple[int, int | None, str]:
    """A gap as a row of the page."""
    return gap.number, None, f'<span class="log-gap">{gap.text}</span>'


def _last_number(each: Line | Gap) -> int:
    return each.number + max(each.lines - 1, 0) if isinstance(each, Gap) else each.number


def line_at(log: Map, byte: int) -> int:
    """The number (1-based) of the line that holds the byte at an offset."""
    index = log.from_byte(byte)
    if index >= len(log.pieces):
        return max(log.lines, 1)
    piece = log.pieces[index]
    if byte <= piece.start.byte:
        return piece.start.line + 1
    with segments.Reader() as reader:
        try:
            return piece.start.line + 1 + read(piece, reader).count(b"\n", 0, byte - piece.start.byte)
        except segments.Damaged:
            return piece.start.line + 1
