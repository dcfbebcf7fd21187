"""What we write on every container, network, volume and image, so that a sweep can tell whose they are."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from runners.contract import JobSpec

INSTANCE = "ciservice.instance"
JOB = "ciservice.job"
EPOCH = "ciservice.epoch"
STEP = "ciservice.step"
SERVICE = "ciservice.service"
DEADLINE = "ciservice.deadline"  # seconds since 1970, after which the object is certainly a left-over
OWNER = "ciservice.owner"  # a process that keeps the object ready for any job; its lease file says whether it lives

CLEAN_UP_SECONDS = 600


def of_instance(instance: str) -> str:
    """The filter that finds everything of this instance."""
    return f"{INSTANCE}={instance}"


def of_job(instance: str, job: JobSpec) -> dict[str, str]:
    """The labels of what belongs to one attempt."""
    deadline = int(time.time()) + job.timeout_seconds + CLEAN_UP_SECONDS
    return {INSTANCE: instance, JOB: job.job_id, EPOCH: str(job.epoch), DEADLINE: str(deadline)}


def of_owner(instance: str, owner: str) -> dict[str, str]:
    """The labels of what a process keeps ready."""
    return {INSTANCE: instance, OWNER: owner}


def short_lived(instance: str, seconds: int) -> dict[str, str]:
    """The labels of a helper that is gone after `seconds` unless its maker died."""
    return {INSTANCE: instance, DEADLINE: str(int(time.time()) + seconds + CLEAN_UP_SECONDS)}


def is_overdue(labels: Mapping[str, str]) -> bool:
    """Whether its deadline has passed; what has none never is."""
    deadline = labels.get(DEADLINE, "")
    return deadline.isdecimal() and int(deadline) < time.time()


def attempt(labels: Mapping[str, str]) -> tuple[str, int] | None:
    """The (job, epoch) that an object belongs to; None where its labels name none."""
    try:
        return labels[JOB], int(labels[EPOCH])
    except (KeyError, ValueError):
        return None


def slug(text: str) -> str:
    """A part of a container's name made from a name that people chose."""
    return re.sub(r"[^a-zA-Z0-9_.-]+", "-", text).strip("-.")[:40] or "x"
