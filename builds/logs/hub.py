"""One reader of Redis for a whole web process: channels hear what happens, and pass it on to their subscribers.

A subscriber has a bounded queue. One that does not keep up is dropped and comes back with `Last-Event-ID`; neither the
others nor the build ever wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from django.db import close_old_connections

from builds.logs import live

logger = logging.getLogger(__name__)

QUEUE_EVENTS = 100
QUEUE_BYTES = 256 * 1024
TOGETHER_SECONDS = 0.03  # news of this time leave together
TICK_SECONDS = 0.5
STUCK_SECONDS = 20.0  # a dropped browser that does not even take what was sent before
MOST_PAUSE_SECONDS = 2.0
READ_THREADS = 4

Result = TypeVar("Result")
_threads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="log-read")
_ending: list[Callable[[], bool]] = []


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run what reads the database or storage beside the event loop, in one of a few threads for the whole process."""

    def run() -> Result:
        close_old_connections()
        try:
            return work()
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


def end_streams_when(condition: Callable[[], bool]) -> None:
    """Have every stream of this process end within a second once `condition()` is true: the server is shutting down."""
    _ending.append(condition)


def is_ending() -> bool:
    """Whether the server is shutting down."""
    return any(condition() for condition in _ending)


class News(Protocol):
    """Something for subscribers, rendered once for all of them."""

    def size(self, form: str) -> int:
        """Bytes of it in a form."""


class Away:
    """Redis does not answer: look at the rows now and then."""

    def size(self, form: str) -> int:
        """Nothing to send."""
        return 0


class Back(Away):
    """Redis answers again, something may have been missed: look at the rows once."""


class Subscription:
    """A queue of news for one browser; belongs to the task that made it."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.is_dropped = False
        self.is_over = False  # the server is shutting down
        self._news: deque[News] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._task = asyncio.current_task()
        self._dropped_at = 0.0

    def put(self, news: News) -> None:
        """Queue news, or give this subscriber up."""
        if self.is_dropped:
            return
        size = news.size(self.form)
        if self._news and (len(self._news) >= QUEUE_EVENTS or self._bytes + size > QUEUE_BYTES):
            self.is_dropped, self._dropped_at = True, time.monotonic()
            self._news.clear()
        else:
            self._news.append(news)
            self._bytes += size
        self._arrived.set()

    def end(self) -> None:
        """Wake the task: there is nothing more to wait for."""
        self.is_over = True
        self._arrived.set()

    def free_if_stuck(self) -> None:
        """Cancel the task where its browser takes nothing any more; else it would wait for the socket for ever."""
        if self.is_dropped and self._task and time.monotonic() - self._dropped_at > STUCK_SECONDS:
            self._task.cancel()

    async def next(self, seconds: float) -> News | None:
        """The next news, or None after `seconds`, when dropped, or when the server shuts down."""
        if not self._news and not self.is_dropped and not self.is_over:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
        if not self._news or self.is_dropped:
            return None
        news = self._news.popleft()
        self._bytes -= news.size(self.form)
        return news


class Channel:
    """One stream of Redis with its subscribers. Subclasses say where to begin and what to make of the entries."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.position = "0-0"
        self.subscribers: set[Subscription] = set()
        self._ready: asyncio.Task[None] | None = None

    async def ready(self, follower: live.Follower) -> None:
        """Wait until `position` is known; whoever asks first does it for all."""
        if self._ready is None:
            self._ready = asyncio.create_task(self.begin(follower))
        await asyncio.shield(self._ready)

    @property
    def is_ready(self) -> bool:
        """Whether `position` is known."""
        return self._ready is not None and self._ready.done()

    async def begin(self, follower: live.Follower) -> None:
        """Find out from where on to listen."""
        with contextlib.suppress(live.Away):
            self.position = await follower.newest(self.key)

    def receive(self, entries: Sequence[live.Entry]) -> None:
        """Make news of entries."""
        raise NotImplementedError

    def tick(self) -> None:
        """Called every TICK_SECONDS."""

    def tell(self, news: News) -> None:
        """Pass news on to all subscribers."""
        for subscriber in tuple(self.subscribers):
            subscriber.put(news)

    def close(self) -> None:
        """The last subscriber left."""
        if self._ready is not None:
            self._ready.cancel()


ChannelType = TypeVar("ChannelType", bound=Channel)


class Hub:
    """The channels of one event loop, and the task that reads for them."""

    _of_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self.is_away = False
        self._channels: dict[str, Channel] = {}
        self._follower: live.Follower | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wakes = 0  # how often it was asked for
        self._waking: asyncio.Task[None] | None = None

    @classmethod
    def current(cls) -> Hub:
        """The hub of the running event loop."""
        return cls._of_loop.setdefault(asyncio.get_running_loop(), cls())

    async def join(self, subscription: Subscription, make: Callable[[], ChannelType]) -> ChannelType:
        """Subscribe to the channel that `make` makes, or to the one that is there already with its key."""
        made = make()
        channel = self._channels.setdefault(made.key, made)
        assert isinstance(channel, type(made))
        channel.subscribers.add(subscription)
        if self._follower is None:
            self._start()
        assert self._follower is not None
        await channel.ready(self._follower)
        if channel is made:
            self._wake_soon()
        return channel

    def _start(self) -> None:
        self._follower = live.Follower(f"hub:{uuid.uuid4()}")
        self._tasks = [
            asyncio.create_task(self._listen(self._follower)),
            asyncio.create_task(self._tick(self._follower)),
        ]

    async def leave(self, subscription: Subscription) -> None:
        """Unsubscribe from everything; the last one out closes the connection."""
        for key, channel in list(self._channels.items()):
            channel.subscribers.discard(subscription)
            if not channel.subscribers:
                channel.close()
                del self._channels[key]
        if not self._channels and self._follower is not None:
            follower, tasks = self._follower, [*self._tasks, *([self._waking] if self._waking else [])]
            self._follower, self._tasks, self._waking = None, [], None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await follower.close()

    def _wake_soon(self) -> None:
        """Have the reader listen to a new channel as well; many calls at a time make one, and none waits for Redis."""
        self._wakes += 1
        if self._follower is not None and (self._waking is None or self._waking.done()):
            self._waking = asyncio.create_task(self._wake(self._follower))

    async def _wake(self, follower: live.Follower) -> None:
        done = 0
        while done != self._wakes and self._follower is follower:
            done = self._wakes
            with contextlib.suppress(live.Away):
                await follower.wake()

    async def _listen(self, follower: live.Follower) -> None:
        pause = 0.1
        # Not only by being cancelled: a client that is cancelled while an answer arrives may swallow it.
        while self._follower is follower:
            try:
                channels = self._channels.items()
                found = await follower.read({key: channel.position for key, channel in channels if channel.is_ready})
            except live.Away as error:
                self._went_away(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MOST_PAUSE_SECONDS)
                continue
            pause = 0.1
            self._came_back()
            for key, entries in found.items():
                if channel := self._channels.get(key):
                    self._deliver(channel, entries)
            await asyncio.sleep(TOGETHER_SECONDS)

    def _deliver(self, channel: Channel, entries: list[live.Entry]) -> None:
        channel.position = entries[-1][0]
        try:
            channel.receive(entries)
        except Exception:
            # One channel's odd entry must not silence all the others.
            logger.exception("channel=%s could not read its news", channel.key)

    def _went_away(self, error: live.Away) -> None:
        if not self.is_away:
            logger.warning("Redis does not answer, live pages look at the rows instead: %s", error)
            self.is_away = True
            self._tell_all(Away())

    def _came_back(self) -> None:
        if self.is_away:
            self.is_away = False
            self._tell_all(Back())

    def _tell_all(self, news: News) -> None:
        for subscriber in self._subscribers():
            subscriber.put(news)

    def _subscribers(self) -> set[Subscription]:
        return {subscriber for channel in self._channels.values() for subscriber in channel.subscribers}

    async def _tick(self, follower: live.Follower) -> None:
        while self._follower is follower:
            await asyncio.sleep(TICK_SECONDS)
            ending = is_ending()
            for subscriber in self._subscribers():
                subscriber.free_if_stuck()
                if ending:
                    subscriber.end()
            for channel in list(self._channels.values()):
                channel.tick()
