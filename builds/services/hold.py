"""Builds of forks that wait for a person's look: nothing of them is fetched or read before."""

from __future__ import annotations

from dataclasses import replace

from builds.models import Build
from builds.refs import is_commit
from builds.services.machine import executor_settings
from builds.services.move import move_build
from builds.services.source import source_of
from builds.services.trigger import why_held
from builds.states import Status
from runners.checkout import GitLimits
from runners.checkout.heads import heads
from runners.errors import CheckoutError

WHO = "planner"
_LOOKS = 3  # a host may tell of a push before all of its machines know it


def hold(build: Build) -> bool:
    """Make the commit of a planner's build whole, and have it wait where it is to; False = it may be planned.

    CheckoutError where the host does not answer.
    """
    if build.commit and not is_commit(build.commit) and not _completed(build):
        reason = f"The branch has moved on from commit {build.commit[:12]}, or is gone."
        move_build(build.pk, Status.CANCELLED, who=WHO, reason=reason)
        return True
    if build.is_held:
        move_build(build.pk, Status.WAITING, who=WHO, reason=why_held(build))
    return build.is_held


def _completed(build: Build) -> bool:
    """Find the commit of which the first digits were told: it is where the branch stands, or it is of no use."""
    machine = executor_settings()
    source, policy = replace(source_of(build), commit=""), replace(machine.git_policy, limits=GitLimits(tries=1))
    found = heads(source, machine.mirrors, policy=policy).get(build.ref, "")
    if is_commit(found) and found.startswith(build.commit):
        Build.objects.filter(pk=build.pk).update(commit=found)
        build.commit = found
        return True
    if build.plan_attempts < _LOOKS:
        raise CheckoutError(f"The branch does not stand at commit {build.commit[:12]}.")
    return False
