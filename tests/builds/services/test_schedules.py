"""Builds by the clock: what the default branch asks for, each moment once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from builds.models import Build, Schedule
from builds.models.build import Trigger
from builds.pipeline.plan import Plan, SchedulePlan
from builds.services.retry import retry
from builds.services.schedules import build_due, keep_schedules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

NIGHTLY = SchedulePlan(cron="0 3 * * *", zone="Europe/Vienna", pipelines=("nightly",))
WEEKLY = SchedulePlan(cron="@weekly", branch="next")


def keep(build, *schedules):
    keep_schedules(build, Plan(source="ciservice.yml", pipelines=(), schedules=schedules))


def wanted(project):
    return list(project.schedules.values_list("cron", "branch", "pipelines"))


def test_the_default_branch_decides(make_build, project):
    keep(make_build(), NIGHTLY, WEEKLY)
    assert wanted(project) == [("0 3 * * *", "", ["nightly"]), ("@weekly", "next", [])]
    assert all(row.next_at > timezone.now() for row in project.schedules.all())
    keep(make_build(ref="refs/heads/other", branch="other"))
    keep(make_build(ref="refs/tags/main", branch="main"))
    keep(make_build(from_fork=True))
    assert project.schedules.count() == 2
    keep(make_build(), WEEKLY)
    assert wanted(project) == [("@weekly", "next", [])]


def test_what_stays_keeps_its_moment(make_build, project):
    keep(make_build(), NIGHTLY)
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    Schedule.objects.update(next_at=moment)
    keep(make_build(), WEEKLY, NIGHTLY)
    assert project.schedules.get(cron="0 3 * * *").next_at == moment


def test_an_older_build_that_is_planned_later_changes_nothing(make_build, project):
    older, newer = make_build(), make_build(planned_at=timezone.now())
    keep(newer, NIGHTLY)
    keep(older)
    assert project.schedules.count() == 1


def test_a_moment_is_one_build_however_late(make_build, project):
    keep(make_build(), NIGHTLY, WEEKLY)
    assert build_due() == []
    Schedule.objects.filter(position=0).update(next_at=Now() - timedelta(days=5))
    (build,) = build_due()
    assert build_due() == []
    assert (build.trigger, build.branch, build.ref, build.commit) == (Trigger.SCHEDULE, "main", "refs/heads/main", "")
    assert build.only == ["nightly"]
    assert build.moves.get().who == "schedule 0 3 * * * Europe/Vienna"
    assert Schedule.objects.get(position=0).next_at > timezone.now()


def test_another_branch(make_build):
    keep(make_build(), WEEKLY)
    Schedule.objects.update(next_at=Now() - timedelta(minutes=1))
    (build,) = build_due()
    assert (build.branch, build.ref, build.only) == ("next", "refs/heads/next", None)


def test_run_again_is_the_same_part(make_build):
    build = make_build(only=["nightly"])
    assert retry(build, requested_by=None, who="x").only == ["nightly"]
    assert Build.objects.count() == 2
