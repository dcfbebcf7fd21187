"""What the instance's rows and logs say, read in a process of its own with its settings: plain values for the judge."""

from __future__ import annotations

import re
import secrets
from typing import Any

from accounts.models import Organization, User
from accounts.services.create_organization import create_organization
from accounts.services.tokens import make_token
from builds.invariants import check_invariants
from builds.logs import read
from builds.models import Build, Job, Step
from deployments.models import Deployment
from deployments.services.resolve import resolve
from deployments.states import DeploymentStatus

PROJECTS = "soak/"
_LINE = re.compile(rb"line (\d+) of (\d+)")
_SCRIPT = re.compile(r"(?:print|noise|deaf)\.sh (\d+)")
_DEPLOYS = re.compile(r"deploy\.sh")
_LINES_OF_DEPLOY = 5


def person() -> dict[str, str]:
    """Somebody who may do everything, with a token, and their organisation."""
    user = User.objects.filter(is_superuser=True).first()
    user = user or User.objects.create_superuser("ada@example.com", secrets.token_urlsafe(24), name="Ada")
    organization = Organization.objects.first() or create_organization("Soak", user)
    return {"token": make_token(user, "soak")[1], "organization": str(organization.uuid)}


def violations() -> list[str]:
    """What `check_invariants` finds; and a person says of deployments that nobody knows about that they failed."""
    for deployment in Deployment.objects.filter(status=DeploymentStatus.UNKNOWN):
        resolve(deployment, went_live=False, who="ada@example.com", reason="Looked: it did not")
    return check_invariants()


def unfinished() -> dict[str, int]:
    """How many jobs, builds and deployments can still change."""
    deployments = Deployment.objects.filter(status__in=["requested", "rolling_out", "verifying"])
    return {
        "builds": Build.objects.unfinished().count(),
        "jobs": Job.objects.unfinished().count(),
        "deployments": deployments.count(),
    }


def told() -> dict[str, Any]:
    """Every build with its jobs and steps, and every deployment, of the projects that are soaked."""
    builds = (
        Build.objects.filter(project__name__startswith=PROJECTS)
        .select_related("project")
        .prefetch_related("jobs__steps")
        .order_by("pk")
    )
    deployments = Deployment.objects.filter(environment__project__name__startswith=PROJECTS)
    deployments = deployments.select_related("release__build", "environment__project").order_by("pk")
    return {
        "builds": [_build(build) for build in builds],
        "deployments": [
            {
                "uuid": str(deployment.uuid),
                "build": str(deployment.release.build.uuid) if deployment.release.build else "",
                "project": str(deployment.environment.project.uuid),
                "environment": deployment.environment.name,
                "status": deployment.status,
                "reason": deployment.reason,
                "resolved": deployment.moves.filter(came_from=DeploymentStatus.UNKNOWN).exists(),
            }
            for deployment in deployments
        ],
    }


def _build(build: Build) -> dict[str, Any]:
    return {
        "uuid": str(build.uuid),
        "project": str(build.project.uuid),
        "number": build.number,
        "commit": build.commit,
        "ref": build.ref,
        "trigger": build.trigger,
        "status": build.status,
        "reason": build.reason,
        "jobs": [_job(job) for job in build.jobs.all()],
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "uuid": str(job.uuid),
        "kind": job.kind,
        "status": job.status,
        "reason": job.reason,
        "failure": job.failure,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "steps": [_step(step) for step in job.steps.all() if step.kind != "group"],
    }


def _step(step: Step) -> dict[str, Any]:
    script = _SCRIPT.search(step.command)
    wanted = int(script.group(1)) if script else _LINES_OF_DEPLOY if _DEPLOYS.search(step.command) else None
    return {
        "uuid": str(step.uuid),
        "attempt": step.attempt,
        "status": step.status,
        "exit_code": step.exit_code,
        "wanted": wanted,
        "complete": step.log_complete,
        "ended": step.log_ended,
        "started": step.started_at.timestamp() if step.started_at else None,
        "finished": step.finished_at.timestamp() if step.finished_at else None,
        **_numbers(step),
    }


def _numbers(step: Step) -> dict[str, Any]:
    """How many numbered lines are stored; which come twice or in the wrong order; where the first is missing."""
    count, last, doubled, missing, others = 0, 0, 0, 0, []
    for line in b"".join(read.raw(step)).splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            others.append(line.decode(errors="replace")[:200])
            continue
        number, count = int(match.group(1)), count + 1
        if number <= last:
            doubled += 1
        elif number > last + 1:
            missing = missing or last + 1
        last = max(last, number)
    return {"lines": count, "last": last, "doubled": doubled, "missing": missing, "others": others[:5]}
