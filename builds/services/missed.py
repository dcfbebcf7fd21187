"""Pushes of which no webhook told us, because we were away or the host lost it: found by looking at the branches."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from builds.models import RepositoryLook
from builds.models.delivery import MISSED
from builds.services.machine import executor_settings
from builds.services.pushes import incoming_of
from builds.services.receive import receive
from builds.services.reconcile import Missed, compare, due, failed, take
from builds.services.told import Push
from runners.checkout import CommitFacts, GitLimits, commit_facts, fetch
from runners.checkout.heads import heads
from runners.checkout.mirror import mirror_path
from runners.contract import GitSource
from runners.errors import CheckoutError

log = logging.getLogger(__name__)

LOOK = GitLimits(total_seconds=20, tries=1, slow_seconds=10, connect_seconds=5)
ROUND_SECONDS = 60


def find_missed() -> int:
    """Look at the repositories whose turn it is, for a minute at most; how many pushes were found."""
    end, found = time.monotonic() + ROUND_SECONDS, 0
    for project_id in due():
        if time.monotonic() > end:
            break
        if look := take(project_id):
            found += _look(look)
    return found


def _look(look: RepositoryLook) -> int:
    machine, source = executor_settings(), _source(look)
    try:
        seen = heads(source, machine.mirrors, policy=replace(machine.git_policy, limits=LOOK))
    except CheckoutError as error:
        log.info("project=%s: its branches could not be looked at: %s", look.project.uuid, error)
        failed(look)
        return 0
    missed = compare(look, seen)
    for push in missed:
        log.warning("project=%s ref=%s: a push came without a webhook", look.project.uuid, push.ref)
        _receive(look, push)
    return len(missed)


def _receive(look: RepositoryLook, missed: Missed) -> None:
    facts = _facts(replace(_source(look), commit=missed.after, ref=missed.ref))
    push = Push(
        ref=missed.ref,
        before=missed.before,
        after=missed.after,
        commit=missed.after,
        message=facts.message if facts else "",
        author_name=facts.author_name if facts else "",
        author_email=facts.author_email if facts else "",
    )
    receive(look.project, replace(incoming_of(push, look.project), event=MISSED))


def _facts(source: GitSource) -> CommitFacts | None:
    """What the commit says, whether it asks for no build above all; where it cannot be had, its plan will say why."""
    machine = executor_settings()
    try:
        commit = fetch(source, machine.mirrors, policy=replace(machine.git_policy, limits=LOOK))
        return commit_facts(mirror_path(machine.mirrors, source.mirror), commit)
    except CheckoutError as error:
        log.info("mirror=%s: %s", source.mirror, error)
        return None


def _source(look: RepositoryLook) -> GitSource:
    project = look.project
    return GitSource(
        url=project.repository_url,
        commit="",
        ref=f"refs/heads/{project.default_branch}",
        mirror=str(project.uuid),
        private_key=project.ssh_private_key,
    )
