"""The strip of time of a build: one lane a job; grey while it waited, light while it was prepared, solid while steps ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from builds.models import Job, Step
from builds.models.job import JobKind
from builds.states import BROKEN
from builds.views.tree import BuildRows
from builds.words import duration, shape

WIDTH = 1000
_LANE = 14
_GAP = 4
_MOST_LANES = 40


@dataclass(frozen=True)
class Block:
    """One rectangle. `x` and `width` are thousandths of the strip."""

    kind: str  # "waiting", "preparing", or the shape of a step's state
    x: int
    width: int
    title: str
    step: Step | None = None


@dataclass(frozen=True)
class Lane:
    """One job: its blocks from left to right."""

    job: Job
    y: int
    blocks: list[Block]


@dataclass(frozen=True)
class Strip:
    """The whole drawing; empty before anything happened."""

    lanes: list[Lane]
    total: timedelta
    height: int
    left_out: int

    @property
    def total_words(self) -> str:
        """How long the strip is, for the scale."""
        return duration(self.total)


def strip(rows: BuildRows) -> Strip | None:
    """From the push to the end (or to now); None where no time can be shown."""
    jobs = [job for job in rows.jobs if job.kind == JobKind.PIPELINE]
    start = rows.build.created_at
    end = rows.build.finished_at or timezone.now()
    if not jobs or end <= start:
        return None
    scale = _Scale(start, end)
    shown = jobs[:_MOST_LANES]
    lanes = [Lane(job, number * (_LANE + _GAP), list(_blocks(rows, job, scale))) for number, job in enumerate(shown)]
    return Strip(lanes, end - start, len(shown) * (_LANE + _GAP) - _GAP, len(jobs) - len(shown))


@dataclass(frozen=True)
class _Scale:
    start: datetime
    end: datetime

    def x(self, moment: datetime) -> int:
        share = (moment - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0) * WIDTH)

    def block(self, kind: str, since: datetime, until: datetime, what: str, step: Step | None = None) -> Block:
        left = self.x(since)
        width = max(self.x(until) - left, 2)
        return Block(kind, min(left, WIDTH - width), width, f"{what}: {duration(until - since)}", step)


def _blocks(rows: BuildRows, job: Job, scale: _Scale) -> Iterator[Block]:
    end = job.finished_at or scale.end
    began = job.started_at or end
    yield scale.block("waiting", rows.build.created_at, began, f"{job.name} waited")
    steps = [step for step in rows.steps if step.job_id == job.pk and not step.is_group and step.started_at is not None]
    first = min((step.started_at for step in steps if step.started_at and step.attempt == job.attempt), default=end)
    if job.started_at is not None and first > job.started_at:
        yield scale.block("preparing", job.started_at, first, f"{job.name} was prepared")
    # What failed is drawn last: parallel steps lie over each other, and a failure must be seen.
    for step in sorted(steps, key=lambda step: step.status in BROKEN):
        if step.started_at is not None:
            until = step.finished_at or end
            yield scale.block(shape(step.status), step.started_at, until, f"{step.name} ({step.status})", step)
