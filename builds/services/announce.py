"""Tell live pages what changed: small events on the topics of the build, its project and its organisation.

An event is a hint to look again; whoever misses one reads the rows.
"""

from __future__ import annotations

from builds.logs import live
from builds.models import Build, Job, Step


def announce_build(build_id: int) -> None:
    """A build changed: its own page, its project's and its organisation's hear of it."""
    build = Build.objects.select_related("project__organization").filter(pk=build_id).first()
    if build is None:
        return
    event = {
        "type": "build",
        "uuid": str(build.uuid),
        "project": str(build.project.uuid),
        "number": build.number,
        "status": build.status,
    }
    organization = build.project.organization
    for topic in (f"build:{build.uuid}", f"project:{build.project.uuid}", f"organization:{organization.uuid}"):
        live.publish(topic, event)


def announce_job(job_id: int) -> None:
    """A job changed: its build's page hears of it."""
    job = Job.objects.select_related("build").filter(pk=job_id).first()
    if job is None:
        return
    event = {
        "type": "job",
        "uuid": str(job.uuid),
        "status": job.status,
        "attempt": job.attempt,
        "cancelling": job.cancel_requested_at is not None and not job.is_final,
    }
    live.publish(f"build:{job.build.uuid}", event)


def announce_step(step: Step) -> None:
    """A step changed: its build's page hears of it."""
    event = {
        "type": "step",
        "uuid": str(step.uuid),
        "job": str(step.job.uuid),
        "path": step.path,
        "status": step.status,
        "exit_code": step.exit_code,
    }
    live.publish(f"build:{step.job.build.uuid}", event)
