"""What a stream follows beside logs: topics, and the rows of one build."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F

from builds.logs import live
from builds.logs.events import Told
from builds.logs.hub import Away, Channel, in_thread
from builds.models import Build, Step
from builds.states import FINAL, Status

logger = logging.getLogger(__name__)

LOOK_SECONDS = 15.0  # for who missed an event, or where none was sent


class TopicChannel(Channel):
    """Events of one topic, passed on as they are."""

    def __init__(self, topic: str) -> None:
        super().__init__(live.topic_key(topic))

    def receive(self, entries: Sequence[live.Entry]) -> None:
        """Tell."""
        for _, fields in entries:
            event = json.loads(fields[b"j"])
            if isinstance(event, dict):
                self.heard(event)

    def heard(self, event: Mapping[str, object]) -> None:
        """One event came."""
        self.tell(Told(event))


@dataclass(frozen=True)
class BuildState:
    """Where a build, its jobs and their steps stand; `summary` is sent to pages."""

    summary: Mapping[str, object]
    is_over: bool  # nothing of it can change
    running: tuple[str, ...]  # uuids of steps


class Looked(Away):
    """The rows of a build were read; `is_news` where they say what no event told."""

    def __init__(self, state: BuildState, *, is_news: bool) -> None:
        self.state = state
        self.is_news = is_news


class BuildChannel(TopicChannel):
    """One build's topic, and its rows, read again after each event and now and then."""

    def __init__(self, build_uuid: str) -> None:
        super().__init__(f"build:{build_uuid}")
        self.build = build_uuid
        self.state: BuildState | None = None
        self._task: asyncio.Task[None] | None = None
        self._due = False
        self.looked_at = 0.0  # monotonic

    async def begin(self, follower: live.Follower) -> None:
        """Listen first, then read: what changes in between is told twice, not never."""
        await super().begin(follower)
        await self.look()

    async def look(self) -> BuildState:
        """Read the rows now."""
        self.looked_at = time.monotonic()
        self.state = await in_thread(lambda: read_state(self.build))
        return self.state

    def heard(self, event: Mapping[str, object]) -> None:
        """Pass it on, and look what follows from it."""
        super().heard(event)
        self._look_soon(is_event=True)

    def tick(self) -> None:
        """Look now and then."""
        if self.is_ready and time.monotonic() - self.looked_at > LOOK_SECONDS:
            self._look_soon(is_event=False)

    def _look_soon(self, *, is_event: bool) -> None:
        self._due = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_and_tell(is_event=is_event))

    async def _look_and_tell(self, *, is_event: bool) -> None:
        while self._due:
            self._due = False
            before = self.state
            try:
                state = await self.look()
            except Exception:
                # The database is away: the next event or tick tries again.
                logger.warning("build=%s could not be read for its viewers", self.build, exc_info=True)
                return
            if state != before:
                self.tell(Looked(state, is_news=not is_event))

    def close(self) -> None:
        """The last subscriber left."""
        super().close()
        if self._task is not None:
            self._task.cancel()


def read_state(build_uuid: str) -> BuildState:
    """The rows of a build, its jobs and the steps of their newest attempts: three queries."""
    build = Build.objects.filter(uuid=build_uuid).only("uuid", "status").first()
    if build is None:
        return BuildState({"type": "sync"}, is_over=True, running=())
    jobs = list(build.jobs.values("uuid", "name", "status"))
    newest = Step.objects.filter(job__build=build, attempt=F("job__attempt"))
    steps = list(newest.values("uuid", "status").annotate(job=F("job__uuid")))
    return BuildState(
        {"type": "sync", "uuid": str(build.uuid), "status": build.status, "jobs": _plain(jobs), "steps": _plain(steps)},
        is_over=build.is_final and all(job["status"] in FINAL for job in jobs),
        running=tuple(str(step["uuid"]) for step in steps if step["status"] == Status.RUNNING),
    )


def _plain(rows: Sequence[Mapping[str, object]]) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items()} for row in rows]
