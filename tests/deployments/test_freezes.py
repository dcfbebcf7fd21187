"""Freezes: nothing goes while one lasts; when it ends or is lifted, what it held goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Role
from deployments.models import Freeze
from deployments.services.freezes import MOST, freeze, thaw
from deployments.services.request import RefusedError
from deployments.services.rollback import rollback
from tests.deployments.conftest import STAGING, deployment_jobs, of
from tests.deployments.gated import MONDAY_EVENING, VIENNA, fresh, gated, staging

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

CHRISTMAS = datetime(2026, 12, 27, tzinfo=UTC)


@pytest.fixture
def cold(organization, owner, commits):
    """A freeze from now until Christmas is over."""

    def cold(environment=None, *, starts_at=None, ends_at=CHRISTMAS) -> Freeze:
        with commits():
            return freeze(
                organization,
                environment=environment,
                starts_at=starts_at or timezone.now(),
                ends_at=ends_at,
                reason="Christmas",
                user=owner,
            )

    return cold


def test_nothing_goes_until_it_ends(release, cold, ticks):
    cold()
    its = of(release(), "staging")
    assert (its.status, its.reason) == ("held", "Frozen until Sunday, 27 December at 00:00 (UTC): Christmas")
    assert its.held_until == CHRISTMAS
    ticks("2026-12-26T23:59:59+00:00")
    assert (fresh(its).status, deployment_jobs()) == ("held", 0)
    ticks("2026-12-27T00:00:00+00:00")
    assert fresh(its).status == "rolling_out"


def test_after_it_the_window_counts_again(release, cold, ticks):
    cold()
    its = of(release(staging(VIENNA)), "staging")
    assert its.reason == (
        "Frozen until Sunday, 27 December at 01:00 (Europe/Vienna): Christmas. "
        "The window opens on Monday, 28 December at 18:00 (Europe/Vienna)"
    )
    ticks("2026-12-27T12:00:00+00:00")
    assert (fresh(its).status, fresh(its).held_until) == ("held", datetime(2026, 12, 28, 17, tzinfo=UTC))
    ticks("2026-12-28T17:00:00+00:00")
    assert fresh(its).status == "rolling_out"


def test_a_freeze_that_comes_keeps_a_window_closed(release, cold, commits, owner):
    its = of(release(staging(VIENNA)), "staging")
    coming = cold(starts_at=datetime(2026, 11, 30, tzinfo=UTC), ends_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert fresh(its).held_until == datetime(2026, 12, 1, tzinfo=UTC)
    assert fresh(its).reason == "The window opens on Tuesday at 01:00 (Europe/Vienna)"
    with commits():
        thaw(coming, user=owner)
    assert fresh(its).held_until == datetime(2026, 11, 30, 17, tzinfo=UTC)


def test_one_that_has_not_begun_holds_nothing(release, cold):
    cold(starts_at=datetime(2026, 12, 20, tzinfo=UTC))
    assert of(release(), "staging").status == "rolling_out"


def test_lifted_it_lets_go_at_once_and_once(release, cold, commits, owner):
    its, ice = of(release(), "staging"), cold()
    assert its.status == "rolling_out", "what is on its way goes on"
    waiting = of(release(commit="b" * 40), "staging")
    with commits():
        assert thaw(ice, user=owner)
    with commits():
        assert not thaw(ice, user=owner)
    assert (fresh(waiting).status, deployment_jobs()) == ("requested", 1)
    assert AuditEntry.objects.filter(action="freeze.lifted").count() == 1


def test_lifted_it_lets_go_what_it_held(release, cold, commits, owner):
    ice = cold()
    its = of(release(), "staging")
    with commits():
        thaw(ice, user=owner)
    assert fresh(its).status == "rolling_out"


def test_lifted_it_lets_go_though_the_news_is_lost(release, cold, owner, ticks):
    ice = cold()
    its = of(release(), "staging")
    thaw(ice, user=owner)  # nobody hears of it
    assert fresh(its).status == "held"
    ticks("2026-11-27T12:01:00+00:00")
    assert fresh(its).status == "rolling_out"


def test_one_environment_is_frozen_and_the_others_are_not(release, cold, place, end):
    plans = (STAGING, gated("production", after="staging"))
    end(of(release(*plans), "staging"))
    end(of(release(*plans, commit="b" * 40), "staging"))
    cold(place("production"))
    build = release(*plans, commit="c" * 40)
    assert end(of(build, "staging")).status == "live"
    production = place("production").deployments.order_by("-pk")[0]
    end(place("production").deployments.get(status="rolling_out"))
    assert fresh(production).status == "held"


def test_another_organisations_freeze_holds_nothing_here(release, stranger, commits):
    other = stranger.organizations.get()
    with commits():
        freeze(other, starts_at=timezone.now(), ends_at=CHRISTMAS, reason="theirs", user=stranger)
    assert of(release(), "staging").status == "rolling_out"


def test_what_a_person_brings_back_is_not_held(release, cold, end, commits, owner):
    first, _ = end(of(release(), "staging")), end(of(release(commit="b" * 40), "staging"))
    cold()
    with commits():
        back = rollback(first.environment, first.release, user=owner, who=owner.email, reason="500s")
    assert fresh(back).status == "rolling_out"


def test_two_that_overlap(release, cold, ticks):
    cold(ends_at=datetime(2026, 11, 29, tzinfo=UTC))
    cold(starts_at=datetime(2026, 11, 28, tzinfo=UTC), ends_at=datetime(2026, 11, 30, tzinfo=UTC))
    its = of(release(), "staging")
    assert its.held_until == datetime(2026, 11, 30, tzinfo=UTC)
    ticks("2026-11-29T00:00:00+00:00")
    assert fresh(its).status == "held"
    ticks("2026-11-30T00:00:00+00:00")
    assert fresh(its).status == "rolling_out"


def test_one_after_another_for_more_than_a_year(release, cold, owner, commits):
    far = datetime(2027, 11, 27, tzinfo=UTC)
    cold(ends_at=far)
    second = cold(starts_at=far, ends_at=datetime(2028, 3, 1, tzinfo=UTC))
    its = of(release(), "staging")
    frozen = "Frozen until Saturday, 27 November 2027 at 00:00 (UTC): Christmas"
    assert (its.status, its.held_until, its.reason) == ("held", None, f"{frozen}. Nothing opens within a year")
    with commits():
        thaw(second, user=owner)
    assert (fresh(its).held_until, fresh(its).reason) == (far, frozen)


def test_it_leaves_a_trace(cold, owner, place, release):
    release()
    cold(place("staging"))
    entry = AuditEntry.objects.get(action="freeze.made")
    assert (entry.subject, entry.user, entry.details["environment"]) == ("Christmas", owner, "staging")
    assert entry.details["ends_at"] == "2026-12-27T00:00:00+00:00"


@pytest.mark.parametrize(
    ("role", "of_all", "of_one"),
    [
        (Role.OWNER, True, True),
        (Role.MANAGER, False, True),
        (Role.PROJECT_MANAGER, False, True),
        (Role.CONTRIBUTOR, False, False),
    ],
)
def test_who_may(cold, release, place, make_user, organization, role, of_all, of_one):
    release()
    user = make_user("x@example.com", organization, role)
    for environment, may in ((None, of_all), (place("staging"), of_one)):
        standing = cold(environment)
        times = {"starts_at": timezone.now(), "ends_at": CHRISTMAS, "reason": "mine", "user": user}
        if may:
            assert freeze(organization, environment=environment, **times)
            assert thaw(standing, user=user)
            continue
        with pytest.raises(RefusedError, match="You may not"):
            freeze(organization, environment=environment, **times)
        with pytest.raises(RefusedError, match="You may not"):
            thaw(standing, user=user)


def test_strangers_may_not(cold, organization, stranger, release, place):
    release()
    times = {"starts_at": timezone.now(), "ends_at": CHRISTMAS, "reason": "theirs", "user": stranger}
    with pytest.raises(RefusedError, match="You may not"):
        freeze(organization, **times)
    with pytest.raises(RefusedError, match="another organisation"):
        freeze(stranger.organizations.get(), environment=place("staging"), **times)
    with pytest.raises(RefusedError, match="You may not"):
        thaw(cold(), user=stranger)


@pytest.mark.parametrize(
    ("begins", "lasts", "reason", "problem"),
    [
        (0, 0, "why", "ends after it begins"),
        (0, -1, "why", "ends after it begins"),
        (-3, 2, "why", "over already"),
        (0, 367, "why", "366 days at most"),
        (0, 2, " \x00 ", "Say why"),
    ],
)
def test_what_makes_no_sense_is_refused(organization, owner, begins, lasts, reason, problem):
    starts_at = timezone.now() + timedelta(days=begins)
    times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(days=lasts)}
    with pytest.raises(RefusedError, match=problem):
        freeze(organization, reason=reason, user=owner, **times)
    assert not Freeze.objects.exists()


def test_there_are_only_so_many(cold, organization):
    now = timezone.now()
    Freeze.objects.bulk_create(
        Freeze(organization=organization, starts_at=now, ends_at=CHRISTMAS, reason="more") for _ in range(MOST - 1)
    )
    cold()
    with pytest.raises(RefusedError, match=f"There are {MOST} freezes already"):
        cold()


def test_a_window_that_is_still_open_after_it_lets_go(release, ticks, cold):
    its = of(release(staging(VIENNA)), "staging")
    cold(starts_at=datetime.fromisoformat(MONDAY_EVENING), ends_at=datetime(2026, 11, 30, 19, 30, tzinfo=UTC))
    ticks(MONDAY_EVENING)
    assert fresh(its).status == "held"
    ticks("2026-11-30T19:30:00+00:00")
    assert fresh(its).status == "rolling_out"
