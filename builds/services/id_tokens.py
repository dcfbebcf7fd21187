"""Tokens that say to a cloud which job asks (OpenID Connect), signed by this instance: so that no cloud's key is kept here.

A cloud trusts `iss`, `aud` and a pattern of `sub`; docs/secrets.md has examples. Names of people's choosing cannot
pretend to be another part of `sub`: their colons are written as %3A.
"""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import quote

import jwt
from django.conf import settings

from builds.models import Job
from builds.models.job import JobKind
from builds.services.claim import Claim
from builds.services.signing_keys import ALGORITHM, LONGEST_SECONDS, current
from builds.services.timeouts import seconds_allowed
from runners.contract import PipelineSpec

CLAIMS = [
    *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),
    *("organization", "organization_id", "project", "project_id", "ref", "ref_type", "branch", "commit"),
    *("build_number", "build_id", "job", "job_id", "attempt", "trigger", "runner", "environment"),
]
_PLAIN = "/@+-_.~ "  # stay as they are in `sub`
_EARLY_SECONDS = 30  # clocks differ


def id_tokens(job: Job, claim: Claim, pipeline: PipelineSpec) -> dict[str, str]:
    """The tokens that the pipeline asks for, by the variable that is to hold each. A stranger's fork gets none."""
    if not pipeline.id_tokens or job.build.from_fork:
        return {}
    key, about = current(), claims(job, claim)
    return {
        name: jwt.encode(
            {**about, "aud": audiences[0] if len(audiences) == 1 else list(audiences), "jti": str(uuid.uuid4())},
            key.private,
            algorithm=ALGORITHM,
            headers={"kid": key.kid},
        )
        for name, audiences in pipeline.id_tokens.items()
    }


def claims(job: Job, claim: Claim) -> dict[str, Any]:
    """What is said of the job; it holds as long as the job may last, and at most an hour."""
    build, now = job.build, int(time.time())
    project, organization = build.project, build.project.organization
    environment = str(job.variables.get("CI_ENVIRONMENT", "")) if job.kind != JobKind.PIPELINE else ""
    return {
        "iss": settings.PUBLIC_URL,
        "sub": subject(organization.slug, project.name, build.ref, environment),
        "iat": now,
        "nbf": now - _EARLY_SECONDS,
        "exp": now + min(seconds_allowed(job), LONGEST_SECONDS),
        "organization": organization.slug,
        "organization_id": str(organization.uuid),
        "project": project.name,
        "project_id": str(project.uuid),
        "ref": build.ref,
        "ref_type": "tag" if build.ref.startswith("refs/tags/") else "branch",
        "branch": build.branch,
        "commit": build.commit,
        "build_number": build.number,
        "build_id": str(build.uuid),
        "job": job.name,
        "job_id": str(job.uuid),
        "attempt": claim.attempt,
        "trigger": build.trigger,
        "runner": claim.owner,
        **({"environment": environment} if environment else {}),
    }


def subject(organization: str, project: str, ref: str, environment: str = "") -> str:
    """Whom a cloud may trust, in one text that patterns can be written for."""
    parts = [("organization", organization), ("project", project), ("ref", ref)]
    if environment:
        parts.append(("environment", environment))
    return ":".join(f"{name}:{quote(value, safe=_PLAIN)}" for name, value in parts)
