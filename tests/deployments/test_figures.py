"""The four figures of delivery: what is counted where, from rows as deployments leave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from builds.models import Build
from deployments.models import Deployment, Environment, HealthMove, Release, Stage
from deployments.services.delivered import history
from deployments.services.figures import report, spread
from deployments.services.spans import span

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday


def at(day: int, hour: float = 12) -> datetime:
    """A moment of this November."""
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour)


@pytest.fixture
def staging(project):
    return Environment.objects.create(project=project, name="staging")


@pytest.fixture
def make_release(project, make_build):
    """A release whose commit was pushed at `pushed`."""

    def make(pushed: datetime, *, commit: str = "") -> Release:
        number = Release.objects.count() + 1
        build = make_build(commit=commit or f"{number:040x}")
        Build.objects.filter(pk=build.pk).update(created_at=pushed)
        return Release.objects.create(project=project, build=build, number=number, commit=build.commit)

    return make


@pytest.fixture
def deploy(staging, make_release):
    """A deployment that began at a moment and took two minutes."""

    def deploy(
        began: datetime, status: str = "superseded", *, release=None, environment=None, live=None, **fields
    ) -> Deployment:
        ended = began + timedelta(minutes=2)
        was_live = status in {"live", "superseded"} if live is None else live
        made = Deployment.objects.create(
            environment=environment or staging,
            release=release or make_release(began - timedelta(hours=1)),
            status=status,
            automatic=False,
            started_at=began,
            live_at=ended if was_live else None,
            finished_at=ended,
            **fields,
        )
        Deployment.objects.filter(pk=made.pk).update(created_at=began - timedelta(minutes=1))
        return made

    return deploy


@pytest.fixture
def told(project):
    """The report of so many days before NOW."""

    def told(days: int = 30, environment: Environment | None = None):
        its = span(days, NOW)
        return report(history(project, its.begins), its, environment.pk if environment else None)

    return told


def healthy(environment: Environment, to: str, moment: datetime) -> None:
    move = HealthMove.objects.create(environment=environment, went_to=to)
    HealthMove.objects.filter(pk=move.pk).update(at=moment)


def taken_back(deployment: Deployment, began: datetime, ended: datetime, *, passed: bool = True) -> None:
    stage = Stage.objects.create(
        deployment=deployment,
        number=2,
        kind="rollback",
        release=deployment.release,
        ended_at=ended,
        passed=passed,
    )
    Stage.objects.filter(pk=stage.pk).update(created_at=began)


def restored(its) -> list[float]:
    """How many outages have ended, and the median in minutes."""
    seconds = its.total.restore.median
    return [its.total.restore.count, None if seconds is None else seconds / 60]


def test_where_there_is_nothing_nothing_is_divided(told):
    its = told()
    assert (its.total.deployments, its.total.per_day, its.total.failure_rate) == (0, 0, None)
    assert its.total.lead == its.total.restore == spread([])
    assert its.open_since == []


def test_how_often_counts_what_went_live_and_no_rollback(deploy, told):
    deploy(at(26))
    deploy(at(27, 1), "live")
    deploy(at(27, 2), "failed")
    deploy(at(27, 3), "superseded", is_rollback=True)
    deploy(at(27, 4), "rolling_out")
    its = told(7)
    assert (its.total.deployments, its.total.per_day, its.total.per_week) == (2, 2 / 7, 2)
    assert [part.deployments for part in its.parts] == [0, 0, 0, 0, 0, 1, 1]


def test_the_days_are_whole_and_weeks_begin_on_monday():
    its = span(30, NOW)
    assert (its.begins, its.ends) == (datetime(2026, 10, 29, tzinfo=UTC), at(28, 0))
    assert [(period.begins.weekday(), period.days) for period in its.periods] == [
        (3, 4),
        (0, 7),
        (0, 7),
        (0, 7),
        (0, 5),
    ]


@pytest.mark.parametrize("days", [7, 30, 90])
@pytest.mark.parametrize("shift", range(8))
def test_every_moment_is_in_its_period(days, shift):
    its = span(days, NOW + timedelta(days=shift))
    assert sum(period.days for period in its.periods) == days
    for place, period in enumerate(its.periods):
        end = period.begins + timedelta(days=period.days)
        assert its.index(period.begins) == its.index(end - timedelta(microseconds=1)) == place
    assert its.index(its.begins - timedelta(microseconds=1)) is its.index(its.ends) is None


def test_a_moment_at_the_edge_counts_in_its_own_part(deploy, told):
    deploy(at(23, 0) - timedelta(minutes=2, microseconds=1))
    deploy(at(23, 0) - timedelta(minutes=2))
    assert [part.deployments for part in told().parts] == [0, 0, 0, 1, 1]
    assert [part.changes for part in told().parts] == [0, 0, 0, 2, 0], "they began before midnight"


def test_the_lead_runs_from_the_first_push_of_the_commit(deploy, make_release, make_build, told):
    deploy(at(20, 10), release=make_release(at(20, 9)))
    again = make_release(at(21, 9), commit="c" * 40)
    pushed = make_build(commit="c" * 40)
    Build.objects.filter(pk=pushed.pk).update(created_at=at(21, 6))
    deploy(at(21, 10), release=again)
    lead = told().total.lead
    assert (lead.count, lead.median, lead.p90) == (2, (62 + 242) / 2 * 60, 242 * 60)


def test_a_commit_of_another_project_is_another(deploy, make_release, make_build, organization, told):
    other = type(deploy(at(20, 10), release=make_release(at(20, 9))).environment.project).objects.create(
        organization=organization, name="shop/web", repository_url="https://git.example.com/shop/web.git"
    )
    elsewhere = make_build(project=other, commit=Release.objects.get().commit)
    Build.objects.filter(pk=elsewhere.pk).update(created_at=at(2))
    assert told().total.lead.median == 62 * 60


def test_a_release_has_one_lead_in_each_environment(deploy, make_release, project, told):
    production = Environment.objects.create(project=project, name="production")
    old, new = make_release(datetime(2026, 3, 1, tzinfo=UTC)), make_release(at(20, 9))
    deploy(datetime(2026, 3, 1, 1, tzinfo=UTC), release=old)
    deploy(at(19), release=old)
    deploy(at(20, 10), release=new)
    deploy(at(20, 11), release=new)
    deploy(at(20, 12), release=new, environment=production)
    its = told()
    assert its.total.deployments == 4
    assert (its.total.lead.count, its.total.lead.p90) == (2, 182 * 60)
    assert told(environment=production).total.lead.count == 1


def test_what_failed_counts_of_what_went_out(deploy, told):
    for status in ("live", "superseded", "failed", "rolling_back"):
        deploy(at(10 + len(status)), status)
    deploy(at(25), "rolled_back")
    deploy(at(25, 13), "rolled_back", live=True)
    its = told().total
    assert (its.changes, its.failed, its.failure_rate) == (6, 4, 4 / 6)


def test_what_nobody_knows_of_does_not_count(deploy, told, staging, make_release):
    for status in ("cancelled", "unknown"):
        deploy(at(20), status)
    for status in ("failed", "superseded", "requested", "held", "waiting"):
        Deployment.objects.create(environment=staging, release=make_release(at(1)), status=status, automatic=False)
    deploy(at(21), "failed", is_rollback=True)
    assert (told().total.changes, told().total.failure_rate) == (0, None)


def test_a_failed_change_lasts_until_the_next_is_live(deploy, told):
    deploy(at(20, 10), "failed")
    deploy(at(20, 11), "failed")
    deploy(at(20, 12))
    assert restored(told()) == [1, 120], "the second failure belongs to the same outage"


def test_taken_back_by_itself_it_lasts_until_the_release_before_is_back(deploy, told):
    its = deploy(at(20, 10), "rolled_back")
    taken_back(its, at(20, 10.5), at(20, 10.75))
    assert restored(told()) == [1, 15]


def test_a_rollback_that_fails_ends_nothing(deploy, told):
    its = deploy(at(20, 10), "failed")
    taken_back(its, at(20, 10.5), at(20, 10.75), passed=False)
    assert (restored(told()), told().open_since) == ([0, None], [at(20, 10.5)])
    deploy(at(20, 12.5) - timedelta(minutes=2))
    assert (restored(told()), told().open_since) == ([1, 120], [])


def test_a_person_who_goes_back_begins_it_with_the_asking(deploy, told):
    deploy(at(18), "rolled_back", live=True)
    deploy(at(20, 10), "superseded", is_rollback=True)
    its = told()
    assert restored(its) == [1, 3], "asked for a minute before it began, live two minutes after"
    assert (its.total.changes, its.total.failed) == (1, 1)


def test_a_rollback_that_was_given_up_is_no_outage(deploy, told):
    deploy(at(20, 10), "cancelled", is_rollback=True)
    assert (restored(told()), told().open_since) == ([0, None], [])


def test_bad_health_lasts_until_it_is_good_or_the_next_is_live(deploy, staging, told):
    healthy(staging, "bad", at(20, 10))
    healthy(staging, "good", at(20, 11))
    healthy(staging, "bad", at(21, 10))
    deploy(at(21, 10.5) - timedelta(minutes=2))
    healthy(staging, "good", at(21, 12))
    assert restored(told()) == [2, 45]


def test_a_change_taken_back_does_not_end_what_was_bad_before(deploy, staging, told):
    healthy(staging, "bad", at(20, 9))
    taken_back(deploy(at(20, 10), "rolled_back"), at(20, 10.5), at(20, 10.75))
    assert told().open_since == [at(20, 9)]


def test_each_environment_has_its_own_outage(deploy, project, staging, told):
    production = Environment.objects.create(project=project, name="production")
    deploy(at(20, 10), "failed")
    deploy(at(20, 11), environment=production)
    assert (restored(told()), told().open_since) == ([0, None], [at(20, 10) + timedelta(minutes=2)])
    assert told(environment=production).open_since == []
    assert told(environment=staging).total.failure_rate == 1


def test_an_outage_that_began_before_counts_where_it_ended(deploy, told):
    deploy(at(15), "failed")
    deploy(at(25))
    assert restored(told(7)) == [1, 10 * 24 * 60]
    assert (told(7).total.changes, told(7).total.failed) == (1, 0), "the change itself failed before"


def test_the_spread_is_of_times_that_were():
    assert (spread([5]).median, spread([5]).p90) == (5, 5)
    assert (spread(range(1, 11)).median, spread(range(1, 11)).p90) == (5.5, 9)
    assert spread(range(1, 12)).p90 == 10


def test_another_projects_deployments_are_not_in_it(deploy, organization, project, told):
    other = type(project).objects.create(organization=organization, name="x", repository_url="https://g.example.com/x")
    deploy(at(20), environment=Environment.objects.create(project=other, name="staging"))
    assert told().total.changes == 0
