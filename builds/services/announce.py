"""Tell live pages what changed: small events on the topics of the build, its project and its organisation.

An event is a hint to look again; whoever misses one reads the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builds.logs import live
from builds.models import Build, Job, Step
from builds.states import FINAL


def announce_builds(build_ids: Sequence[int]) -> None:
    """Builds changed: their own pages, their projects' and their organisations' hear of it."""
    columns = ("uuid", "number", "status", "project__uuid", "project__organization__uuid")
    rows = Build.objects.filter(pk__in=build_ids).order_by("pk").values(*columns)
    live.publish_all([_news_of(row) for row in rows])


def _news_of(build: dict[str, Any]) -> tuple[list[str], dict[str, object]]:
    """The topics, and the event."""
    project, organization = build["project__uuid"], build["project__organization__uuid"]
    event = {
        "type": "build",
        "uuid": str(build["uuid"]),
        "project": str(project),
        "number": build["number"],
        "status": build["status"],
    }
    return [f"build:{build['uuid']}", f"project:{project}", f"organization:{organization}"], event


def announce_job(job_id: int) -> None:
    """A job changed: its build's page hears of it."""
    columns = ("uuid", "status", "attempt", "cancel_requested_at", "build__uuid")
    job = Job.objects.filter(pk=job_id).values(*columns).first()
    if job is None:
        return
    event = {
        "type": "job",
        "uuid": str(job["uuid"]),
        "status": job["status"],
        "attempt": job["attempt"],
        "cancelling": job["cancel_requested_at"] is not None and job["status"] not in FINAL,
    }
    live.publish(f"build:{job['build__uuid']}", event)


def announce_step(step_id: int) -> None:
    """A step changed: its build's page hears of it."""
    columns = ("uuid", "path", "status", "exit_code", "job__uuid", "job__build__uuid")
    step = Step.objects.filter(pk=step_id).values(*columns).first()
    if step is None:
        return
    event = {
        "type": "step",
        "uuid": str(step["uuid"]),
        "job": str(step["job__uuid"]),
        "path": step["path"],
        "status": step["status"],
        "exit_code": step["exit_code"],
    }
    live.publish(f"build:{step['job__build__uuid']}", event)
