"""The live log of one step in this process: what comes from Redis becomes news, and some of it is remembered."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from builds.logs import live
from builds.logs.events import Skip, Stretch, hint_event
from builds.logs.hub import Channel, in_thread
from builds.logs.pieces import Map, survey_row
from builds.logs.read import Line, slice_of
from builds.logs.spool import Cursor
from builds.models import Step

ROUND_BYTES = 64 * 1024  # of output in one event; what comes faster is skipped and read over HTTP
RECENT_BYTES = 256 * 1024
LOOK_SECONDS = 1.0

LogNews = Stretch | Skip


class LogChannel(Channel):
    """One step's log."""

    def __init__(self, step_uuid: str) -> None:
        super().__init__(live.log_key(step_uuid))
        self.step = step_uuid
        self.told = Cursor()  # up to where subscribers were told
        self.ended = False
        self._held = b""  # the beginning of a letter whose rest is still to come
        self._recent: deque[LogNews] = deque()
        self._recent_bytes = 0
        self._look: asyncio.Task[Map] | None = None
        self._looked_at = 0.0

    async def begin(self, follower: live.Follower) -> None:
        """Begin where rows and Redis end now."""
        log = await self.look()
        self.told, self.ended = log.end, log.ended
        self.position = f"{log.end.byte}-0"
        if not log.end.starts_line:
            rows = (await in_thread(lambda: slice_of(log, log.lines, 1))).rows
            if rows and isinstance(rows[0], Line) and not rows[0].more:
                self._hold_letter(rows[0].data)

    def _hold_letter(self, line: bytes) -> None:
        keep = unfinished_letter(line)
        self._held = line[len(line) - keep :]
        self.told = Cursor(self.told.byte - keep, self.told.line, starts_line=keep == len(line))

    async def look(self, *, since: float = 0.0) -> Map:
        """The step's log as rows and Redis have it, read once for all who ask.

        At most LOOK_SECONDS old, not older than `since` (monotonic seconds), and not behind what was told.
        """
        since = max(since, time.monotonic() - LOOK_SECONDS)
        log = await self._looked(since)
        return log if log.end.byte >= self.told.byte else await self._looked(time.monotonic())

    async def _looked(self, since: float) -> Map:
        if self._look is None or self._looked_at < since:
            self._looked_at = time.monotonic()
            self._look = asyncio.create_task(in_thread(lambda: survey_row(Step.objects.get(uuid=self.step))))
        return await asyncio.shield(self._look)

    def close(self) -> None:
        """The last subscriber left."""
        super().close()
        if self._look is not None:
            self._look.cancel()

    @property
    def hint(self) -> bytes:
        """That there is a log to look at."""
        return hint_event(self.step, total=self.told.lines, ended=self.ended)

    def receive(self, entries: Sequence[live.Entry]) -> None:
        """Make one stretch of what follows each other, and a skip of what does not fit or is missing."""
        chunks = [chunk for entry in entries if (chunk := live.read_chunk(entry)) and chunk.end > self.told.byte]
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
            self._say(self._stretch(held, ended=True))
        self.ended = self.ended or ended

    def _go_on(self, chunks: Sequence[live.Chunk], *, ended: bool) -> None:
        first = chunks[0]
        data = b"".join(chunk.data for chunk in chunks)
        if first.offset > self.told.byte + len(self._held):
            self._skip_to(first)
        data = self._held + data[max(self.told.byte + len(self._held) - first.offset, 0) :]
        keep = 0 if ended else unfinished_letter(data)
        self._held = data[len(data) - keep :]
        data = data[: len(data) - keep]
        if data or ended:
            self._say(self._stretch(data, ended=ended))

    def _stretch(self, data: bytes, *, ended: bool) -> Stretch:
        return Stretch(self.step, self.told.byte, self.told.after(data), data, ended)

    def _skip_to(self, chunk: live.Chunk) -> None:
        self._held = b""
        self._say(Skip(self.step, self.told.byte, Cursor(chunk.offset, chunk.line, chunk.starts_line)))

    def _say(self, news: LogNews) -> None:
        self.told = news.after
        self._recent.append(news)
        self._recent_bytes += news.end - news.start if isinstance(news, Stretch) else 0
        while self._recent_bytes > RECENT_BYTES:
            gone = self._recent.popleft()
            self._recent_bytes -= gone.end - gone.start if isinstance(gone, Stretch) else 0
        self.tell(news)

    def recent(self, from_byte: int) -> list[LogNews] | None:
        """The news from `from_byte` on, where they are still remembered without a gap; None: look."""
        if from_byte >= self.told.byte:
            return []
        if self._recent and self._recent[0].start <= from_byte:
            return [news for news in self._recent if news.end > from_byte]
        return None


def unfinished_letter(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 letter that goes on, 0 to 3."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0
