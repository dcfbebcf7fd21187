"""What tests of the queue have in common: jobs of one step, runners, and the check that follows each test."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from builds.models import Build, Job
from builds.models.job import JobKind
from builds.services.claim import Claim, RunnerIdentity, claim
from builds.services.enqueue import enqueue
from runners.contract import PipelineSpec, StepSpec
from runners.executors.config import ExecutorSettings
from runners.executors.fake import FakeExecutor

RUNNER = RunnerIdentity(name="runner-a")
OTHER = RunnerIdentity(name="runner-b")


def pipeline(*scripts: str, labels: tuple[str, ...] = (), **fields: object) -> PipelineSpec:
    """A pipeline with one step for each script."""
    steps = tuple(StepSpec(name=f"step {number}", script=script) for number, script in enumerate(scripts))
    return PipelineSpec(name="test", steps=steps, labels=labels, **fields)


def add_job(
    build: Build, *scripts: str, labels: tuple[str, ...] = (), kind: JobKind = JobKind.PIPELINE, priority: int = 0
) -> Job:
    """A waiting job of the build."""
    spec = pipeline(*(scripts or ("print hello",)), labels=labels)
    return enqueue(build, spec, kind=kind, variables={}, priority=priority)


def claim_now(runner: RunnerIdentity = RUNNER) -> Claim:
    """A claim, which must succeed."""
    taken = claim(runner)
    assert taken is not None
    return taken


def age(job: Job, **fields: timedelta) -> None:
    """Set moments of the row so long ago, by the database's clock."""
    Job.objects.filter(pk=job.pk).update(**{name: Now() - ago for name, ago in fields.items()})


def fake_executor(tmp_path) -> FakeExecutor:
    """An executor that obeys the scripts."""
    return FakeExecutor(ExecutorSettings(name="fake", data_dir=tmp_path))
