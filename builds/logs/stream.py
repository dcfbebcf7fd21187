"""Server-Sent Events for pages and the API: what an async view returns as its body.

    build_stream(build)                    a build's page: its events, and hints that the logs of its steps grow
    build_stream(build, step_uuid=...)     programs: its events, and the log of one step as text
    topic_stream(["project:<uuid>"])       a list: events only

Events: those of the topics by their type (build, job, step, deployment); `message` {"type": "sync", ...} with all states
when a stream begins and after something may have been missed; `log`, `skip` (see builds.logs.events); `end`, after which
nothing follows. A log event's id is the byte offset after it: `Last-Event-ID` goes on there, without loss or repetition.
A stream ends after 15 minutes, when its browser is too slow, and when the server shuts down; the browser comes back.

The view checks who may see what, and gives its database connection back before it answers: streams hold none.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from builds.logs import segments
from builds.logs.events import Form, Skip, Stretch, Told, sse, text_event
from builds.logs.feed import LogChannel, unfinished_letter
from builds.logs.follow import BuildChannel, BuildState, Looked, TopicChannel
from builds.logs.hub import Back, Hub, News, Subscription, end_streams_when, in_thread, is_ending
from builds.logs.pieces import Map, Missing, Piece
from builds.logs.read import Why, gap_of, read, why_missing

__all__ = ["build_stream", "end_streams_when", "topic_stream"]

PING_SECONDS = 15.0
POLL_SECONDS = 2.0  # where Redis is away
AGE_SECONDS = 15 * 60.0
RETRY_MS = 2000
HINT_SECONDS = 0.18  # between hints in the long run; one may come before its time
PING = b": ping\n\n"
HELLO = f"retry: {RETRY_MS}\n\n".encode()
RESYNC = {"type": "resync"}


async def topic_stream(topics: Sequence[str]) -> AsyncIterator[bytes]:
    """Events of topics such as `project:<uuid>`."""
    subscription, hub = Subscription(Form.HINT), Hub.current()
    yield HELLO
    try:
        for topic in topics:
            await hub.join(subscription, partial(TopicChannel, topic))
        async for news in _heard(subscription, lambda: PING_SECONDS):
            if isinstance(news, Told):
                yield news.payload
            elif isinstance(news, Back):
                yield sse("message", RESYNC)
            elif news is None:
                yield PING
    finally:
        await hub.leave(subscription)


async def _heard(subscription: Subscription, patience: Callable[[], float]) -> AsyncIterator[News | None]:
    """News as they come, None when nothing came for `patience()` seconds; ends when the stream has to."""
    end = time.monotonic() + AGE_SECONDS
    while not is_ending() and (left := end - time.monotonic()) > 0:
        news = await subscription.next(min(patience(), left))
        if subscription.is_dropped or subscription.is_over:
            return
        yield news


async def build_stream(
    build_uuid: str,
    *,
    step_uuid: str | None = None,
    from_byte: int = 0,
    last_event_id: str = "",
) -> AsyncIterator[bytes]:
    """Events of a build; with a step its log from `from_byte` (or `Last-Event-ID`) on, without one hints that logs grow."""
    hub = Hub.current()
    subscription = Subscription(Form.TEXT if step_uuid else Form.HINT)
    yield HELLO
    try:
        build = await hub.join(subscription, partial(BuildChannel, build_uuid))
        log = await hub.join(subscription, partial(LogChannel, step_uuid)) if step_uuid else None
        viewer = _Viewer(hub, subscription, build, log, offset=offset_of(last_event_id, from_byte))
        async for event in viewer.events():
            yield event
    finally:
        await hub.leave(subscription)


def offset_of(last_event_id: str, otherwise: int) -> int:
    """The byte offset that a browser came to; what it sends may be anything."""
    known = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16
    return int(last_event_id) if known else max(otherwise, 0)


@dataclass
class _Viewer:
    """One browser on a build's page, or one program that follows a log."""

    hub: Hub
    subscription: Subscription
    build: BuildChannel
    log: LogChannel | None
    offset: int
    _hints: dict[str, bytes] = field(default_factory=dict)  # that wait, so that nobody gets more than some six a second
    _hint_due: float = 0.0  # monotonic; a line that comes by itself is shown at once, floods are thinned out
    _watched: set[str] = field(default_factory=set)

    async def events(self) -> AsyncIterator[bytes]:
        """Everything, from the first event to the last."""
        state = self.build.state or await self.build.look()
        yield sse("message", state.summary)
        await self._watch_running(state)
        async for event in self._catch_up():
            yield event
        async for event in self._until_over():
            yield event
        if (over := self.build.state) and over.is_over:
            async for event in self._catch_up(since=self.build.looked_at):
                yield event
            yield sse("end", {"status": over.summary.get("status", "")})

    async def _until_over(self) -> AsyncIterator[bytes]:
        if self.build.state and self.build.state.is_over:
            return
        async for news in _heard(self.subscription, self._patience):
            async for event in self._events_of(news):
                yield event
            if self.build.state and self.build.state.is_over:
                return

    def _patience(self) -> float:
        if self._hints:
            return max(self._hint_due - HINT_SECONDS - time.monotonic(), 0.01)
        return POLL_SECONDS if self.hub.is_away else PING_SECONDS

    async def _events_of(self, news: News | None) -> AsyncIterator[bytes]:
        if isinstance(news, Told):
            yield news.payload
        elif isinstance(news, Stretch | Skip):
            async for event in self._log_events(news):
                yield event
        elif isinstance(news, Looked):
            if news.is_news:
                yield sse("message", news.state.summary)
            await self._watch_running(news.state)
        elif isinstance(news, Back) or self.hub.is_away:
            yield sse("message", (await self.build.look()).summary)
            async for event in self._catch_up():
                yield event
        elif not self._hints:
            yield PING
        now = time.monotonic()
        if self._hints and now >= self._hint_due - HINT_SECONDS:
            self._hint_due = max(now, self._hint_due) + HINT_SECONDS
            for hint in self._hints.values():
                yield hint
            self._hints.clear()

    async def _watch_running(self, state: BuildState) -> None:
        """Without a step of its own the page hears that logs grow: of the steps that run now."""
        for step in state.running if self.log is None else ():
            if step not in self._watched:
                channel = await self.hub.join(self.subscription, partial(LogChannel, step))
                self._watched.add(step)
                self._hints[step] = channel.hint

    async def _log_events(self, news: Stretch | Skip) -> AsyncIterator[bytes]:
        if self.log is None:
            self._hints[news.step] = news.payload(Form.HINT)
            return
        if news.start > self.offset or isinstance(news, Skip):
            async for event in self._catch_up():
                yield event
        if news.end > self.offset or (isinstance(news, Stretch) and news.ended and news.end == self.offset):
            yield self._shown(news)
            self.offset = news.end

    def _shown(self, news: Stretch | Skip) -> bytes:
        """The news for this program: text must go on exactly."""
        if isinstance(news, Stretch) and news.start < self.offset:
            data = news.data[self.offset - news.start :]
            return text_event(news.step, data, end_byte=news.end, ended=news.ended)
        return news.payload(Form.TEXT)

    async def _catch_up(self, *, since: float = 0.0) -> AsyncIterator[bytes]:
        """Bring the program from its offset to where the others are, or to what was there at `since`."""
        if self.log is None:
            return
        known = None if since or self.hub.is_away else self.log.recent(self.offset)
        if known and not any(isinstance(news, Skip) for news in known):
            for news in known:
                yield self._shown(news)
                self.offset = news.end
        else:
            async for event in self._texts(self.log.step, await self.log.look(since=since)):
                yield event

    async def _texts(self, step: str, log: Map) -> AsyncIterator[bytes]:
        """All text from the offset on, piece by piece; nothing is skipped. A letter cut in two waits for its rest."""
        held = b""
        for stretch in log.walk(log.from_byte(self.offset)):
            data = held + await in_thread(partial(_text_of, log, stretch, self.offset + len(held)))
            keep = 0 if log.ended and stretch.after.byte == log.end.byte else unfinished_letter(data)
            data, held = data[: len(data) - keep], data[len(data) - keep :]
            self.offset = stretch.after.byte - keep
            yield text_event(step, data, end_byte=self.offset)
        if log.ended:
            yield text_event(step, b"", end_byte=self.offset, ended=True)


def _text_of(log: Map, stretch: Piece | Missing, from_byte: int) -> bytes:
    why = Why.DAMAGED
    if isinstance(stretch, Piece):
        try:
            with segments.Reader() as reader:
                return read(stretch, reader)[max(from_byte - stretch.start.byte, 0) :]
        except segments.Damaged:
            stretch = Missing(stretch.start, stretch.after)
    else:
        why = why_missing(log, stretch)
    return gap_of(stretch, why).text.encode() + b"\n"
