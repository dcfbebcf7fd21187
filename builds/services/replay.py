"""Run a build exactly as it ran then: its own plan, its variables, its caches, and every image by its digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from builds.models import Build, Job
from builds.models.job import JobKind
from builds.pipeline.plan import Problem, pipeline_from_json
from builds.services.enqueue import enqueue
from builds.services.retry import restart_request
from builds.services.secrets_then import secret_changes
from builds.services.trigger import trigger
from runners.approval import APPROVED_VARIABLE
from runners.contract import PipelineSpec, StepSpec

# What names the build itself, or what a person or this machine gave to that one attempt.
OWN_VARIABLES = frozenset({"CI_BUILD_ID", "CI_BUILD_NUMBER", "CI_BUILD_URL", "CI_DEPLOY_FOLDER", APPROVED_VARIABLE})
_WARNED = "replay"


class ReplayError(Exception):
    """It cannot be run as it ran; the text says why."""


def ran(build: Build) -> list[Job]:
    """The jobs of the build's pipelines, with what they ran with, by position."""
    return list(Job.objects.pipelines().filter(build=build).order_by("position", "pk"))


def why_not(build: Build, jobs: Sequence[Job]) -> str:
    """Why the build cannot be run exactly as it ran; "" = it can. `jobs` are those of `ran`."""
    if not build.is_final:
        return "It has not ended yet."
    if build.plan is None or not jobs:
        return "It never ran: there is no plan of what it would have run."
    if not any(job.attempt for job in jobs):
        return "It never ran: it ended before a runner took any of its jobs."
    unknown = [job.name for job in jobs if job.attempt and job.record is None]
    if unknown:
        return (
            f"What {', '.join(unknown[:5])} ran with was not kept: it ran before this instance kept such records,"
            " or its runner was lost."
        )
    return ""


def replay(build: Build, *, requested_by: User | None, who: str) -> Build:
    """A new build that runs what the old one ran. ReplayError where that is not known.

    Nothing is planned anew. Only the secrets are today's, whose values are not kept: where they differ, its page warns.
    Nothing leaves it by itself: no deployment, no push of an image, no cache.
    """
    jobs = ran(build)
    if reason := why_not(build, jobs):
        raise ReplayError(reason)
    records = [job.record for job in jobs if job.record is not None]
    with transaction.atomic():
        again = trigger(build.project, restart_request(build), who=who, requested_by=requested_by, restart_of=build)
        again.exactly, again.planned_at = True, timezone.now()
        again.plan, again.described = _plan(build, records), build.described
        again.save(update_fields=["exactly", "planned_at", "plan", "described"])
        shared = _images(records)
        for job in jobs:
            record = job.record or records[0]
            # A job that never ran may run now: with what the others used of the same names.
            images = record["images"] if job.record else shared
            spec = as_then(pipeline_from_json(job.spec), images, default_image=record["default_image"])
            variables = {name: value for name, value in record["variables"].items() if name not in OWN_VARIABLES}
            enqueue(again, spec, kind=JobKind.PIPELINE, variables=variables, position=job.position)
    return again


def as_then(spec: PipelineSpec, images: dict[str, str], *, default_image: str) -> PipelineSpec:
    """The pipeline with every image as it was, and pushing nothing."""
    was_default = not spec.image and any(name in images for name in (default_image, f"{default_image}:latest"))
    image = default_image if was_default else spec.image
    return replace(spec, images=images, image=image, steps=_staying(spec.steps))


def _staying(steps: Iterable[StepSpec]) -> tuple[StepSpec, ...]:
    """The steps without what sends an image away: it is made, and stays."""
    return tuple(replace(step, push=None, steps=_staying(step.steps), on_fail=_staying(step.on_fail)) for step in steps)


def _images(records: Sequence[dict[str, Any]]) -> dict[str, str]:
    return {name: digest for record in reversed(records) for name, digest in record["images"].items()}


def _plan(build: Build, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    plan = dict(build.plan or {})
    warnings = [one for one in plan.get("warnings") or [] if one.get("key") != _WARNED]
    said = [asdict(Problem(text=str(change), key=_WARNED)) for change in secret_changes(build, records)]
    return {**plan, "warnings": [*warnings, *said]}
