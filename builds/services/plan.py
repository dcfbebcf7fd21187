"""Plan a build: fetch the commit, read its configuration, and put its jobs into the queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from builds.models import Build
from builds.models.build import Trigger
from builds.models.job import JobKind
from builds.pipeline.make import CANDIDATES, make
from builds.pipeline.plan import ConfigError, Plan, PlanContext, Problem, plan_to_json
from builds.refs import wants_skip
from builds.services.changes import changed_in, event_of
from builds.services.check_hosting import look_soon
from builds.services.enqueue import enqueue
from builds.services.hold import hold
from builds.services.keep_pipelines import kept_text
from builds.services.late import is_late
from builds.services.machine import executor_settings
from builds.services.move import move_build
from builds.services.plan_turn import MOST_ATTEMPTS, give_back, keep_turn, take_turn
from builds.services.schedules import keep_schedules
from builds.services.source import source_of
from builds.services.supersede import supersede
from builds.services.texts import is_storable
from builds.services.timings import with_timings
from builds.states import Status
from runners.checkout import CommitFacts, GitLimits, commit_facts, fetch, read_files
from runners.checkout.mirror import mirror_path
from runners.contract import Unreadable
from runners.errors import CheckoutError

log = logging.getLogger(__name__)

WHO = "planner"
_MOST_FILE_BYTES = 1024 * 1024
_MOST_REASON = 20_000
_PAUSES_SECONDS = (2, 10, 30, 60)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the repository said."""

    commit: str
    facts: CommitFacts
    files: dict[str, str | Unreadable]
    changed: tuple[str, ...] | None
    is_late: bool = False


def plan(build_id: int) -> None:
    """Plan a build that waits for it. Called again, twice at once, or for a build that ended, it does nothing."""
    build = take_turn(build_id)
    if build is None:
        return
    with bound_contextvars(build=str(build.uuid)):
        _plan(build)


def _plan(build: Build) -> None:
    if build.plan_attempts > MOST_ATTEMPTS:
        reason = f"Planning was begun {MOST_ATTEMPTS} times and never came to an end."
        move_build(build.pk, Status.ERRORED, who=WHO, reason=reason)
        return
    try:
        with keep_turn(build):
            if hold(build):
                return
            found = _read(build)
        kept = "" if found.files else kept_text(build.project)
        made = _check_texts(with_timings(make(found.files, _context(build, found), kept=kept), build))
    except CheckoutError as error:
        _try_later(build, error)
    except ConfigError as error:
        move_build(build.pk, Status.FAILED, who=WHO, reason=str(error)[:_MOST_REASON])
    else:
        if build.trigger == Trigger.PULL_REQUEST and wants_skip(found.facts.message):
            move_build(build.pk, Status.SKIPPED, who=WHO, reason="The commit's message asks for no build.")
            return
        _store(build.pk, found, made)


def plan_of_today(build: Build) -> Plan:
    """What would be planned now for a commit that this machine has; nothing is fetched or written.

    CheckoutError where the commit is not here, ConfigError as a build would fail.
    """
    found = _look(build, build.commit, mirror_path(executor_settings().mirrors, source_of(build).mirror))
    return make(found.files, _context(build, found), kept="" if found.files else kept_text(build.project))


def _read(build: Build) -> _Found:
    machine, source = executor_settings(), source_of(build)
    # One try a turn: between two turns the worker is free for other builds.
    policy = replace(machine.git_policy, limits=GitLimits(tries=1))
    commit = fetch(source, machine.mirrors, policy=policy)
    mirror = mirror_path(machine.mirrors, source.mirror)
    return replace(_look(build, commit, mirror), is_late=build.trigger == Trigger.PUSH and is_late(build, mirror))


def _look(build: Build, commit: str, mirror: Path) -> _Found:
    files = read_files(mirror, commit, CANDIDATES, most_bytes=_MOST_FILE_BYTES)
    changed = changed_in(build, commit, files.values(), mirror)
    return _Found(commit=commit, facts=commit_facts(mirror, commit), files=files, changed=changed)


def _context(build: Build, found: _Found) -> PlanContext:
    return PlanContext(
        branch=build.branch,
        commit=found.commit,
        is_tag=build.ref.startswith("refs/tags/"),
        is_pull_request=build.trigger == Trigger.PULL_REQUEST or build.pull_request is not None,
        message=_message(build, found),
        description=found.facts.described,
        committer_name=build.author_name or found.facts.author_name,
        committer_email=build.author_email or found.facts.author_email,
        committer_username=build.author_username,
        repository=build.project.name,
        project_id=str(build.project.uuid),
        build_id=str(build.uuid),
        queued_at=build.created_at,
        event=event_of(build),
        changed=found.changed,
        only=tuple(build.only or ()),
    )


def _message(build: Build, found: _Found) -> str:
    """The commit's; a pull request's title, which stood in its place, is not what the variables promise."""
    return found.facts.message if build.pull_request is not None else build.message or found.facts.message


def _check_texts(made: Plan) -> Plan:
    """YAML can spell characters that no database takes."""
    if not is_storable(plan_to_json(made)):
        text = "a text holds NUL or half a surrogate pair, which can neither be stored nor run: take it out"
        raise ConfigError([Problem(text=text, file=made.source)])
    return made


def _try_later(build: Build, error: CheckoutError) -> None:
    log.info("build=%s attempt=%s: %s", build.uuid, build.plan_attempts, error)
    if error.retry and build.plan_attempts < MOST_ATTEMPTS:
        give_back(build, after_seconds=_PAUSES_SECONDS[min(build.plan_attempts, len(_PAUSES_SECONDS)) - 1])
        return
    move_build(build.pk, Status.ERRORED, who=WHO, reason=f"The commit could not be fetched: {error}")
    look_soon(build.project)


def _store(build_id: int, found: _Found, made: Plan) -> None:
    """Write the plan and its jobs, once: whoever comes second finds it written."""
    with transaction.atomic():
        build = Build.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=build_id)
        if build.is_final or build.is_held or build.planned_at is not None:
            return
        _fill_in(build, found)
        build.plan, build.planned_at = plan_to_json(made), timezone.now()
        build.save(
            update_fields=[
                *("commit", "described", "message", "author_name", "author_email"),
                *("plan", "planned_at", "is_late"),
            ]
        )
        for position, pipeline in enumerate(made.pipelines):
            enqueue(build, pipeline, kind=JobKind.PIPELINE, variables={}, position=position)
        if not made.pipelines:
            _end_without_jobs(build, made)
        keep_schedules(build, made)
        supersede(build)


def _fill_in(build: Build, found: _Found) -> None:
    build.commit, build.described = found.commit, found.facts.described[:300]
    build.message, build.is_late = _message(build, found), found.is_late
    build.author_name = build.author_name or found.facts.author_name
    build.author_email = build.author_email or found.facts.author_email


def _end_without_jobs(build: Build, made: Plan) -> None:
    """Nothing to check: a push that deploys passes, any other was left out."""
    if any(environment.applies for environment in made.deployments):
        move_build(build.pk, Status.PASSED, who=WHO, reason=f"{made.source} has no pipeline for {build.branch}.")
        return
    move_build(build.pk, Status.SKIPPED, who=WHO, reason=f"{made.source} has nothing to run for {build.branch}.")
