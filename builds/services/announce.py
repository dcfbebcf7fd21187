"""Tell live pages what changed: small events on the topics of the build, its project and its organisation.

An event is a hint to look again; whoever misses one reads the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from builds.logs import live
from builds.models import Build, Job, Step
from builds.states import FINAL


def announce_builds(builds: Sequence[Build]) -> None:
    """Builds were made or changed: their own pages, their projects' and their organisations' hear of it.

    Rows come with project and organisation, so that nothing is asked.
    """
    live.publish_all([_news_of(build) for build in builds])


def _news_of(build: Build) -> tuple[list[str], dict[str, object]]:
    """The topics, and the event."""
    project, organization = build.project.uuid, build.project.organization.uuid
    event = {
        "type": "build",
        "uuid": str(build.uuid),
        "project": str(project),
        "number": build.number,
        "status": str(build.status),
    }
    return [f"build:{build.uuid}", f"project:{project}", f"organization:{organization}"], event


def announce_job(job: Job) -> None:
    """A job changed: its build's page hears of it."""
    event = {
        "type": "job",
        "uuid": str(job.uuid),
        "status": str(job.status),
        "attempt": job.attempt,
        "cancelling": job.cancel_requested_at is not None and job.status not in FINAL,
    }
    live.publish(f"build:{job.build.uuid}", event)


def announce_step(step: Step) -> None:
    """A step changed: its build's page hears of it."""
    event = {
        "type": "step",
        "uuid": str(step.uuid),
        "job": str(step.job.uuid),
        "path": step.path,
        "status": str(step.status),
        "exit_code": step.exit_code,
    }
    live.publish(f"build:{step.job.build.uuid}", event)
