"""Takes a step's output from the engine and brings it to the viewers and into storage, without ever making it wait.

write() -> spool on disk -> thread "live":  the tail in Redis, at once and then every 50 ms
                         -> thread "store": segments of 1 MiB, or what there is after 30 s
close() -> the rest is stored by the caller's own thread; so a short step needs no connection of its own
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from django.db import connections

from builds.logs import live, segments
from builds.logs.pieces import gap_lines
from builds.logs.spool import Cursor, Spool
from builds.logs.store import Guard, LogTotals, NotStored, Store
from builds.logs.times import Times
from builds.models import Step

logger = logging.getLogger(__name__)

LIVE_PAUSE_SECONDS = 0.05
REDIS_AWAY_PAUSE_SECONDS = 0.25
LIVE_BACKLOG_BYTES = 1024 * 1024  # more than this unsent: viewers see the newest, and the rest in the segments
LIVE_BATCH_CHUNKS = 8
KEPT_LIVE_BYTES = 256 * 1024  # behind what is stored, for viewers who are a little late
STORE_SECONDS = 30.0
RETRY_SECONDS = 2.0
PATIENCE_SECONDS = 20.0


class LogWriter:
    """The log of one step. `write` is for one thread; `close` waits for nobody longer than `patience_seconds`.

    `guard` is called in each transaction that writes; when it raises, the writer stops for good and `close` returns
    with `complete=False` and without having written.
    """

    def __init__(
        self,
        step: Step,
        *,
        guard: Guard,
        spool_dir: Path,
        cap_bytes: int,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._step = step
        self._spool = Spool(spool_dir, cap_bytes)
        self._times = Times()
        self._store = Store(step, guard)
        self._patience = patience_seconds
        self._stored = Cursor()  # of the head: what follows is not in a segment yet
        self._sent = Cursor()  # to Redis
        self._omitted = 0
        self._news = threading.Event()
        self._full = threading.Event()
        self._closing = threading.Event()
        self._lost = False
        self._threads: list[threading.Thread] = []
        self._totals: LogTotals | None = None
        self.has_ended = False  # in the rows

    def write(self, data: bytes) -> None:
        """Take output as it comes, of any size. Does not raise and waits for nothing but the local disk."""
        if not data or self._lost or self._totals is not None:
            return
        end = self._spool.end
        self._times.note(end.line if end.starts_line else end.line + 1, int(time.time() * 1000))
        self._spool.write(data)
        if not self._threads:
            self._start()
        self._news.set()
        if self._backlog() >= segments.SEGMENT_BYTES:
            self._full.set()

    def close(self, **also: object) -> LogTotals:
        """Store the rest, end the live tail, write the totals and `also` to the step's row: `has_ended` says whether
        that worked. Calling it again changes nothing.
        """
        if self._totals is not None:
            return self._totals
        deadline = time.monotonic() + self._patience
        self._stop_threads(deadline)
        stored = self._until(deadline, self._store_rest)
        totals = self._count(complete=stored and self._spool.is_whole)
        self.has_ended = not self._lost and self._until(deadline, lambda: self._store.finish(totals, also))
        if self.has_ended:
            live.close(self._step.uuid, totals.bytes)
            if totals.complete:
                live.trim(self._step.uuid, totals.bytes - KEPT_LIVE_BYTES)
        self._spool.close()
        self._totals = replace(totals, complete=totals.complete and self.has_ended)
        return self._totals

    def _start(self) -> None:
        for name, work in (("live", self._feed_viewers), ("store", self._store_meanwhile)):
            thread = threading.Thread(target=work, name=f"log-{name}-{self._step.uuid}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _stop_threads(self, deadline: float) -> None:
        self._closing.set()
        self._news.set()
        self._full.set()
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.1))

    # --- the thread "live"

    def _feed_viewers(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            closing = self._closing.is_set()
            sent = self._send_news()
            if closing or self._lost:
                return
            if not sent:
                self._news.set()
            self._closing.wait(LIVE_PAUSE_SECONDS if sent else REDIS_AWAY_PAUSE_SECONDS)

    def _send_news(self) -> bool:
        """Send what is new, at most LIVE_BACKLOG_BYTES of it; False where Redis is away."""
        end = self._spool.end.byte
        if end - self._sent.byte > LIVE_BACKLOG_BYTES:
            self._sent = self._spool.newest(LIVE_BACKLOG_BYTES)
        while self._sent.byte < end:
            cursor, chunks = self._next_chunks(end)
            if chunks and not live.append(self._step.uuid, chunks):
                return False
            self._sent = cursor
            if not chunks:
                break
        return True

    def _next_chunks(self, end: int) -> tuple[Cursor, list[live.Chunk]]:
        cursor, chunks = self._sent, []
        for _ in range(LIVE_BATCH_CHUNKS):
            cursor, data = self._spool.read(cursor, live.CHUNK_BYTES)
            if not data:
                break
            if cursor.byte + len(data) < end:
                data = data[: segments.whole_lines(data)]
            ms = self._times.at(cursor.line) or int(time.time() * 1000)
            chunks.append(live.Chunk(cursor.byte, cursor.line, cursor.starts_line, ms, data))
            cursor = cursor.after(data)
        return cursor, chunks

    # --- the thread "store", and the end

    def _store_meanwhile(self) -> None:
        try:
            while not self._lost:
                is_full = self._full.wait(STORE_SECONDS)
                self._full.clear()
                if self._closing.is_set():
                    return
                if not self._attempt(partial(self._store_head, everything=not is_full)):
                    self._full.set()
                    self._closing.wait(RETRY_SECONDS)
        finally:
            connections.close_all()

    def _backlog(self) -> int:
        return self._spool.head_end.byte - self._stored.byte

    def _store_head(self, *, everything: bool) -> None:
        self._store_up_to(self._spool.head_end.byte, everything=everything)
        self._store.save()
        live.trim(self._step.uuid, self._stored.byte - KEPT_LIVE_BYTES)

    def _store_rest(self) -> None:
        self._store_up_to(self._spool.head_end.byte, everything=True)
        self._store_up_to(self._spool.end.byte, everything=True)

    def _store_up_to(self, end: int, *, everything: bool) -> None:
        while self._stored.byte < end and not self._closing_early(everything):
            cursor, data = self._spool.read(self._stored, segments.SEGMENT_BYTES)
            if len(data) < segments.SEGMENT_BYTES and not everything:
                return
            if self._spool.is_whole:
                self._omitted += gap_lines(self._stored, cursor)
            self._stored = cursor
            if not data:
                return
            if len(data) == segments.SEGMENT_BYTES:
                data = data[: segments.whole_lines(data)]
            after = cursor.after(data)
            self._stored = self._store.put(cursor, data, self._times.between(cursor.line, after.line))
            self._times.forget_before(after.line)

    def _closing_early(self, everything: bool) -> bool:
        return self._closing.is_set() and not everything

    def _attempt(self, work: Callable[[], None]) -> bool:
        """Do what writes; False where it is to be tried again, or where the job is not ours any more."""
        try:
            work()
        except NotStored as error:
            logger.warning("step=%s the log is not stored yet: %s", self._step.uuid, error)
            return False
        except Exception as error:  # noqa: BLE001 - whatever the guard says no with
            self._lost = True
            logger.info("step=%s another attempt owns the job, its log ends here: %r", self._step.uuid, error)
            return False
        return True

    def _until(self, deadline: float, work: Callable[[], None]) -> bool:
        """Try until it works, the job is lost or the time is over."""
        pause = 0.1
        while not self._lost and not any(thread.is_alive() for thread in self._threads):
            if self._attempt(work):
                return True
            if time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS)
        return False

    def _count(self, *, complete: bool) -> LogTotals:
        end = self._spool.end
        return LogTotals(end.lines, end.byte, self._omitted, complete)
