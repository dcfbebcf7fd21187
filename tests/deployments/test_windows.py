"""Outside its window a release is held, for all to see; when it opens, the newest goes by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import dedent

import pytest

from builds.pipeline.delivery import Rollout
from builds.pipeline.make import make
from builds.pipeline.plan import Plan, PlanContext, plan_to_json
from builds.services.move import move_build
from builds.states import Status
from deployments.models import Deployment
from deployments.services.advance import advance
from deployments.services.request import request_by_hand
from deployments.services.rollback import rollback
from tests.deployments.conftest import STAGING, deployment_jobs, environment_plan, of
from tests.deployments.gated import MONDAY_EVENING, VIENNA, fresh, gated, staging

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_a_release_outside_the_window_is_held_and_goes_when_it_opens(release, ticks, end):
    held = of(release(staging(VIENNA)), "staging")
    assert (held.status, held.reason) == ("held", "The window opens on Monday at 18:00 (Europe/Vienna)")
    assert held.held_until == datetime(2026, 11, 30, 17, tzinfo=UTC)
    ticks("2026-11-30T16:59:59+00:00")
    assert (fresh(held).status, deployment_jobs()) == ("held", 0)
    ticks(MONDAY_EVENING)
    assert (fresh(held).status, deployment_jobs()) == ("rolling_out", 1)
    assert [move.went_to for move in held.moves.order_by("pk")] == ["requested", "held", "rolling_out"]
    assert end(held).status == "live"


def test_as_it_is_written_in_the_file(release, ticks):
    text = """
        steps: [true]
        deployments:
          staging:
            branch: main
            window: ["Sat 06:00-08:00 Europe/Vienna", "Mon - Thu 18:00 - 22:00 Europe/Vienna"]
            steps: [./deploy.sh]
    """
    plan = make({"ciservice.yml": dedent(text)}, PlanContext(branch="main", commit="a" * 40))
    held = of(release(*plan.deployments), "staging")
    assert held.reason == "The window opens on Saturday at 06:00 (Europe/Vienna)"
    ticks("2026-11-28T05:00:00+00:00")
    assert fresh(held).status == "rolling_out"


def test_inside_the_window_nothing_is_held(release, clock):
    clock("2026-11-24T08:59:59+00:00")
    assert of(release(staging(VIENNA)), "staging").status == "rolling_out"


def test_a_newer_release_folds_in_those_that_are_held(release, ticks):
    builds = [release(staging(VIENNA), commit=letter * 40) for letter in "abc"]
    assert [of(build, "staging").status for build in builds] == ["superseded", "superseded", "held"]
    ticks(MONDAY_EVENING)
    ticks(MONDAY_EVENING)
    assert [of(build, "staging").status for build in builds] == ["superseded", "superseded", "rolling_out"]
    assert deployment_jobs() == 1


def test_where_they_queue_none_is_folded_in(release, ticks, end):
    builds = [release(staging(VIENNA, queue=True), commit=letter * 40) for letter in "ab"]
    assert [of(build, "staging").status for build in builds] == ["held", "requested"]
    ticks(MONDAY_EVENING)
    assert end(of(builds[0], "staging")).status == "live"
    assert of(builds[1], "staging").status == "rolling_out"


def test_what_began_in_the_window_ends_after_it(release, clock, end):
    plan = staging(VIENNA)
    shares = environment_plan(
        "staging", branch="main", applies=True, gates=plan.gates, rollout=Rollout(percents=(10.0,))
    )
    clock("2026-11-24T08:59:59+00:00")
    going = of(release(shares), "staging")
    clock("2026-11-24T11:00:00+00:00")
    assert end(going).status == "rolling_out"
    assert end(going).status == "live"


def test_what_a_person_brings_back_waits_for_no_window(release, clock, end, commits, owner):
    clock(MONDAY_EVENING)
    first = end(of(release(staging(VIENNA)), "staging"))
    end(of(release(staging(VIENNA), commit="b" * 40), "staging"))
    clock("2026-12-04T12:00:00+00:00")
    with commits():
        back = rollback(first.environment, first.release, user=owner, who=owner.email, reason="500s")
    assert fresh(back).status == "rolling_out"


def test_what_a_person_asks_for_waits_as_well(release, clock, end, commits, owner):
    clock(MONDAY_EVENING)
    first = end(of(release(staging(VIENNA)), "staging"))
    clock("2026-12-04T12:00:00+00:00")
    with commits():
        again = request_by_hand(first.environment, first.release, user=owner, who=owner.email)
    assert fresh(again).status == "held"


def test_the_environments_window_counts_and_not_the_releases(release, clock, end, commits, owner):
    """A release whose own configuration has no window is held all the same, once the environment has one."""
    old = end(of(release(STAGING), "staging"))
    release(staging(VIENNA), commit="b" * 40)
    with commits():
        again = request_by_hand(fresh(old).environment, old.release, user=owner, who=owner.email)
    assert fresh(again).status == "held"


def test_a_branch_that_takes_its_window_away_gets_nowhere(release, clock, place):
    release(staging(VIENNA))
    topic = {"branch": "topic", "ref": "refs/heads/topic", "commit": "b" * 40}
    build = release(environment_plan("staging", branch="topic", applies=True), **topic)
    assert place("staging").gates["windows"]
    assert not Deployment.objects.filter(release__build=build).exists()
    assert deployment_jobs() == 0


def test_a_window_that_is_changed_counts_at_once(release, make_build, commits):
    held = of(release(staging(VIENNA)), "staging")
    plan = Plan(source="ciservice.yml", pipelines=(), deployments=(staging("Fri 11:00-14:00"),))
    build = make_build(plan=plan_to_json(plan), commit="b" * 40)
    build.planned_at = build.created_at
    build.save()
    with commits():
        move_build(build.pk, Status.RUNNING)
    assert fresh(held).status == "rolling_out"


def test_at_opening_a_release_that_was_taken_back_before_does_not_go(release, ticks, end, commits, owner):
    plans = (STAGING, gated("production", VIENNA, after="staging"))
    first = end(of(release(*plans), "staging"))
    build = release(*plans, commit="b" * 40)
    end(of(build, "staging"))
    held = of(build, "production")
    assert held.status == "held"
    with commits():
        back = rollback(first.environment, first.release, user=owner, who=owner.email, reason="500s")
    end(back)
    ticks(MONDAY_EVENING)
    assert (fresh(held).status, fresh(held).reason) == ("cancelled", "Release 2 was taken back from staging")
    assert not Deployment.objects.filter(environment__name="production", status="rolling_out").exists()


def test_at_opening_a_release_that_staging_has_left_behind_still_goes(release, ticks, end):
    plans = (STAGING, gated("production", VIENNA, after="staging"))
    build = release(*plans)
    end(of(build, "staging"))
    newer = release(*plans, commit="b" * 40)
    end(of(newer, "staging"), Status.FAILED)
    ticks(MONDAY_EVENING)
    assert of(build, "production").status == "rolling_out"


def test_at_opening_a_build_that_is_not_passed_any_more_does_not_go(release, ticks):
    build = release(staging(VIENNA))
    build.status = Status.FAILED
    build.save()
    ticks(MONDAY_EVENING)
    its = of(build, "staging")
    assert (its.status, its.reason) == ("cancelled", f"Build #{build.number} has not passed")


def test_the_clock_that_rings_late_or_twice_changes_nothing(release, ticks, commits):
    held = of(release(staging(VIENNA)), "staging")
    ticks("2026-12-04T09:30:00+00:00")  # it slept a whole window, and the next is closed since nine
    assert (fresh(held).status, deployment_jobs()) == ("held", 0)
    assert fresh(held).held_until == datetime(2026, 12, 7, 17, tzinfo=UTC)
    for _ in range(3):
        ticks("2026-12-07T17:00:30+00:00")
        with commits():
            advance(held.environment_id)
    assert (fresh(held).status, deployment_jobs()) == ("rolling_out", 1)


@pytest.mark.parametrize(
    ("window", "asked", "before", "opens"),
    [
        # The clock goes on from 02:00 to 03:00: the half past two that is not there opens then.
        ("daily 02:30-05:00 Europe/Vienna", "2026-03-28T22:00", "2026-03-29T00:59:59", "2026-03-29T01:00:00"),
        ("daily 02:30-05:00 America/New_York", "2026-03-08T05:00", "2026-03-08T06:59:59", "2026-03-08T07:00:00"),
        # It goes back from 03:00 to 02:00, and from 02:00 to 01:00: the hour is there twice.
        ("daily 02:15-02:45 Europe/Vienna", "2026-10-25T00:45", "2026-10-25T01:14:59", "2026-10-25T01:15:00"),
        ("daily 01:15-01:45 America/New_York", "2026-11-01T05:45", "2026-11-01T06:14:59", "2026-11-01T06:15:00"),
        # Six in the evening stays six in the evening.
        ("Sun 18:00-20:00 Europe/Vienna", "2026-03-28T12:00", "2026-03-29T15:59:59", "2026-03-29T16:00:00"),
        ("Sun 18:00-20:00 Europe/Vienna", "2026-10-24T12:00", "2026-10-25T16:59:59", "2026-10-25T17:00:00"),
    ],
)
def test_where_clocks_are_put_on_and_back_it_goes_at_the_right_moment(
    release, clock, ticks, window, asked, before, opens
):
    clock(f"{asked}+00:00")
    held = of(release(staging(window)), "staging")
    assert held.held_until == datetime.fromisoformat(f"{opens}+00:00")
    ticks(f"{before}+00:00")
    assert fresh(held).status == "held"
    ticks(f"{opens}+00:00")
    assert fresh(held).status == "rolling_out"


def test_a_build_that_passes_while_another_is_held_outdates_nothing_newer(release, make_build, ticks, commits):
    """An older build that passes late is folded into the newer one that is held."""
    late = make_build(plan=release(staging(VIENNA)).plan, status=Status.RUNNING)
    newer = release(staging(VIENNA), commit="b" * 40)
    with commits():
        move_build(late.pk, Status.PASSED)
    assert of(late, "staging").status == "superseded"
    ticks(MONDAY_EVENING)
    assert of(newer, "staging").status == "rolling_out"
