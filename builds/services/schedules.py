"""Builds without a push: what the default branch asks for is kept in rows, and each row builds when its moment comes."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from builds.models import Build, Project, Schedule
from builds.models.build import Trigger
from builds.pipeline.plan import Plan, SchedulePlan
from builds.pipeline.schedules import next_moment
from builds.services.limits import QueueFullError
from builds.services.trigger import BuildRequest, trigger

log = logging.getLogger(__name__)

_AT_ONCE = 100


def keep_schedules(build: Build, plan: Plan) -> None:
    """Let the project's schedules be those of this plan, where it is the newest of the default branch; in the caller's
    transaction, which holds the build. A schedule that stays keeps its next moment.
    """
    project = build.project
    if build.ref != f"refs/heads/{project.default_branch}" or build.from_fork:
        return
    rows = list(project.schedules.all())
    if [_plan_of(row) for row in rows] == list(plan.schedules):
        return
    newer = Build.objects.filter(project=project, ref=build.ref, number__gt=build.number, exactly=False)
    if newer.filter(planned_at__isnull=False).exists():
        return
    kept = {_plan_of(row): row.next_at for row in rows}
    project.schedules.all().delete()
    Schedule.objects.bulk_create(_row(project, number, one, kept) for number, one in enumerate(plan.schedules))


def _plan_of(row: Schedule) -> SchedulePlan:
    return SchedulePlan(cron=row.cron, zone=row.zone, branch=row.branch, pipelines=tuple(row.pipelines))


def _row(project: Project, position: int, wanted: SchedulePlan, kept: dict[SchedulePlan, datetime]) -> Schedule:
    following = kept.get(wanted) or next_moment(wanted.cron, wanted.zone, timezone.now())
    return Schedule(
        project=project,
        position=position,
        cron=wanted.cron,
        zone=wanted.zone,
        branch=wanted.branch,
        pipelines=list(wanted.pipelines),
        next_at=following or timezone.now(),
    )


def build_due() -> list[Build]:
    """Build what is due, at most a hundred, each once however many call this; what was missed meanwhile is one build."""
    due = Schedule.objects.filter(next_at__lte=Now()).select_related("project").order_by("next_at")[:_AT_ONCE]
    return [build for row in due if (build := _build(row)) is not None]


def _build(row: Schedule) -> Build | None:
    following = next_moment(row.cron, row.zone, timezone.now())
    with transaction.atomic():
        mine = Schedule.objects.filter(pk=row.pk, next_at=row.next_at)
        if not (mine.update(next_at=following) if following else mine.delete()[0]):
            return None
        branch = row.branch or row.project.default_branch
        request = BuildRequest(
            ref=f"refs/heads/{branch}",
            branch=branch,
            commit="",
            trigger=Trigger.SCHEDULE,
            pipelines=tuple(row.pipelines),
        )
        log.info("project=%s: built by its schedule %s", row.project.uuid, row)
        try:
            return trigger(row.project, request, who=f"schedule {row}")
        except QueueFullError as error:
            log.warning("project=%s: not built by its schedule %s: %s", row.project.uuid, row, error)
            return None
