"""Who may agree to a release, how often, for how long, and to which."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import AuditEntry, Membership, Role
from builds.pipeline.delivery import Approval
from builds.pipeline.plan import Plan, plan_to_json
from builds.services.move import move_build
from builds.states import Status
from deployments.models import ApprovalDecision, Deployment
from deployments.services.approve import decide, expire_due
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.rollback import rollback
from tests.deployments.conftest import STAGING, deployment_jobs, of
from tests.deployments.gated import MONDAY_EVENING, VIENNA, fresh, gated, staging

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

MANAGER = Approval(roles=("manager",))
DAY = 86_400


@pytest.fixture
def manager(make_user, organization):
    return make_user("manager@example.com", organization, Role.MANAGER)


@pytest.fixture
def waiting(release):
    """A release that waits for this approval."""

    def waiting(rule: Approval = MANAGER, *windows: str, **fields) -> Deployment:
        return of(release(staging(*windows, approval=rule), **fields), "staging")

    return waiting


@pytest.fixture
def replan(make_build, commits):
    """The newest configuration of main says so, of a build that has not passed."""

    def replan(*plans) -> None:
        plan = plan_to_json(Plan(source="ciservice.yml", pipelines=(), deployments=plans))
        build = make_build(plan=plan, commit="9" * 40)
        build.planned_at = build.created_at
        build.save()
        with commits():
            move_build(build.pk, Status.RUNNING)

    return replan


def test_it_waits_until_somebody_agrees(waiting, manager, commits, end):
    its = waiting()
    assert (its.status, its.reason, deployment_jobs()) == ("waiting", "Waits for the approval of a manager", 0)
    with commits():
        assert decide(its, user=manager, approved=True, comment=" looks\x00 good \u202e ")
    its = fresh(its)
    assert (its.status, its.approved_at is not None, its.expires_at) == ("rolling_out", True, None)
    decision = its.decisions.get()
    assert (decision.who, decision.approved, decision.comment) == ("manager@example.com", True, "looks  good")
    told = its.moves.get(came_from="waiting")
    assert (told.who, told.reason) == ("manager@example.com", "Approved by manager@example.com: looks  good")
    entry = AuditEntry.objects.get(action="deployment.approved")
    assert (entry.user, entry.details["commit"]) == (manager, "a" * 40)
    assert end(its).status == "live"


def test_a_no_ends_it_with_the_comment(waiting, manager, commits):
    its = waiting()
    with commits():
        assert decide(its, user=manager, approved=False, comment="not on a Friday")
    said = "Rejected by manager@example.com: not on a Friday"
    assert (fresh(its).status, fresh(its).reason, deployment_jobs()) == ("cancelled", said, 0)
    assert AuditEntry.objects.filter(action="deployment.rejected").count() == 1


def test_clicked_twice_it_goes_once(waiting, manager, owner, commits):
    its = waiting()
    with commits():
        assert decide(its, user=manager, approved=True)
    with commits():
        assert not decide(its, user=manager, approved=True)
        assert not decide(its, user=owner, approved=True)
        assert not decide(its, user=owner, approved=False), "what goes is stopped by a button of its own"
    assert (its.decisions.count(), deployment_jobs()) == (1, 1)
    assert its.moves.filter(came_from="waiting").count() == 1
    assert AuditEntry.objects.filter(action__startswith="deployment.").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_make_one_move(waiting, manager, owner):
    its, together = waiting(), Barrier(4)

    def say(user):
        together.wait(timeout=30)
        try:
            return decide(Deployment.objects.get(pk=its.pk), user=user, approved=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(say, [manager, owner, manager, owner])) == [False, False, False, True]
    assert (its.decisions.count(), its.moves.filter(came_from="waiting").count(), deployment_jobs()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        (Approval(roles=("owner",)), "owner"),
        (Approval(roles=("manager",)), "owner manager"),
        (Approval(roles=("project_manager",)), "owner manager project_manager"),
        (Approval(roles=("contributor",)), "owner manager project_manager contributor"),
        (Approval(people=("Contributor@Example.com",)), "contributor"),
        (Approval(roles=("owner",), people=("contributor@example.com",)), "owner contributor"),
        (Approval(people=("nobody@example.com",)), ""),
        (Approval(not_author=True), "owner manager project_manager"),  # nobody named: who may deploy
    ],
)
def test_who_may(waiting, make_user, organization, stranger, rule, may):
    its = waiting(rule)
    people = {role: make_user(f"{role}@example.com", organization, role) for role in Role.values}
    for role, user in {**people, "stranger": stranger}.items():
        if role in may.split():
            assert decide(its, user=user, approved=True)
            its.decisions.all().delete()
            Deployment.objects.filter(pk=its.pk).update(status="waiting", approved_at=None)
            continue
        with pytest.raises(RefusedError, match="^Only "):
            decide(its, user=user, approved=True)
        assert not ApprovalDecision.objects.exists(), "who may not leaves nothing behind"


def test_a_person_who_is_named_but_no_member_may_not(waiting, stranger):
    its = waiting(Approval(people=("stranger@example.com",)))
    with pytest.raises(RefusedError, match="Only stranger@example.com may approve this"):
        decide(its, user=stranger, approved=True)


@pytest.mark.parametrize(
    "fields",
    [{"author_email": " Manager@Example.com "}, {"author_email": "", "author_username": "manager@example.com"}],
)
def test_who_wrote_it_may_not_if_so_set(waiting, manager, owner, commits, fields):
    its = waiting(Approval(roles=("manager",), not_author=True), **fields)
    assert its.reason == "Waits for the approval of a manager, other than its author"
    for approved in (True, False):
        with pytest.raises(RefusedError, match="somebody else has to"):
            decide(its, user=manager, approved=approved)
    with commits():
        assert decide(its, user=owner, approved=True)


def test_who_asked_for_it_by_hand_may_not_either(release, waiting, manager, owner, commits, end, replan):
    first = end(of(release(STAGING), "staging"))
    replan(staging(approval=Approval(roles=("manager",), not_author=True)))
    with commits():
        its = request_by_hand(fresh(first).environment, first.release, user=manager, who=manager.email)
    with pytest.raises(RefusedError, match="somebody else has to"):
        decide(its, user=manager, approved=True)
    with commits():
        assert decide(its, user=owner, approved=True)
    assert fresh(its).status == "rolling_out"


def test_without_that_the_author_may(waiting, manager):
    assert decide(waiting(author_email="manager@example.com"), user=manager, approved=True)


def test_a_yes_to_one_release_is_none_to_another(waiting, manager, commits):
    first = waiting(commit="a" * 40)
    second = waiting(commit="b" * 40)
    assert (fresh(first).status, second.status) == ("superseded", "waiting")
    with commits():
        assert not decide(first, user=manager, approved=True)
    assert (fresh(second).status, deployment_jobs()) == ("waiting", 0)


def test_a_yes_to_a_release_is_none_to_it_once_more(waiting, manager, commits, end):
    its = waiting()
    with commits():
        decide(its, user=manager, approved=True)
    end(its)
    with commits():
        again = request_by_hand(its.environment, its.release, user=manager, who=manager.email)
    assert fresh(again).status == "waiting"


def test_a_yes_for_staging_is_none_for_production(release, manager, commits, end):
    plans = (staging(approval=MANAGER), gated("production", after="staging", approval=MANAGER))
    build = release(*plans)
    with commits():
        decide(of(build, "staging"), user=manager, approved=True)
    end(of(build, "staging"))
    assert of(build, "production").status == "waiting"


def test_people_agree_ahead_of_the_window(waiting, manager, commits, ticks):
    its = waiting(MANAGER, VIENNA)
    assert its.status == "waiting"
    with commits():
        assert decide(its, user=manager, approved=True)
    assert (fresh(its).status, fresh(its).reason) == ("held", "The window opens on Monday at 18:00 (Europe/Vienna)")
    ticks(MONDAY_EVENING)
    assert fresh(its).status == "rolling_out"


def test_what_was_agreed_to_goes_though_something_newer_waits_for_a_yes(waiting, manager, commits, ticks, end):
    first = waiting(MANAGER, VIENNA)
    with commits():
        decide(first, user=manager, approved=True)
    second = waiting(MANAGER, VIENNA, commit="b" * 40)
    third = waiting(MANAGER, VIENNA, commit="c" * 40)
    assert [fresh(each).status for each in (first, second, third)] == ["held", "superseded", "waiting"]
    ticks(MONDAY_EVENING)
    assert [fresh(each).status for each in (first, third)] == ["rolling_out", "waiting"]
    assert end(first).status == "live"
    with commits():
        assert decide(third, user=manager, approved=True)
    assert fresh(third).status == "rolling_out"


def test_the_newer_takes_its_place_once_people_agree_to_it(waiting, manager, commits, ticks):
    first = waiting(MANAGER, VIENNA)
    second = waiting(MANAGER, VIENNA, commit="b" * 40)
    assert fresh(first).status == "superseded", "nobody had agreed to it"
    third = waiting(MANAGER, VIENNA, commit="c" * 40)
    with commits():
        decide(third, user=manager, approved=True)
    fourth = waiting(MANAGER, VIENNA, commit="d" * 40)
    with commits():
        decide(fourth, user=manager, approved=True)
    assert [fresh(each).status for each in (second, third, fourth)] == ["superseded", "superseded", "held"]
    ticks(MONDAY_EVENING)
    assert (fresh(fourth).status, deployment_jobs()) == ("rolling_out", 1)


def test_an_open_window_lets_nothing_go_that_nobody_agreed_to(waiting, manager, commits, ticks):
    its = waiting(MANAGER, VIENNA)
    ticks(MONDAY_EVENING)
    assert (fresh(its).status, deployment_jobs()) == ("waiting", 0)
    with commits():
        assert decide(its, user=manager, approved=True)
    assert fresh(its).status == "rolling_out"


def test_what_a_person_brings_back_needs_nobody(release, waiting, end, commits, owner, replan):
    first, _ = end(of(release(STAGING), "staging")), end(of(release(STAGING, commit="b" * 40), "staging"))
    replan(staging(approval=MANAGER))
    with commits():
        back = rollback(first.environment, first.release, user=owner, who=owner.email, reason="500s")
    assert fresh(back).status == "rolling_out"


def test_nobody_in_time(waiting, manager, ticks):
    its = waiting(Approval(roles=("manager",), expires_seconds=7 * DAY))
    assert its.expires_at == datetime(2026, 12, 4, 12, tzinfo=UTC)
    ticks("2026-12-04T11:59:59+00:00")
    assert fresh(its).status == "waiting"
    ticks("2026-12-04T12:00:00+00:00")
    assert (fresh(its).status, fresh(its).reason) == ("cancelled", "Nobody approved it within 7 days")
    ticks("2026-12-04T12:00:01+00:00")
    assert its.moves.filter(went_to="cancelled").count() == 1


def test_a_yes_that_comes_too_late_is_none_though_the_clock_was_slow(waiting, manager, clock):
    its = waiting(Approval(roles=("manager",), expires_seconds=90 * 60))
    clock("2026-11-27T13:30:00+00:00")
    with pytest.raises(RefusedError, match="Nobody approved it within 90 minutes: deploy it again"):
        decide(its, user=manager, approved=True)
    assert fresh(its).status == "waiting"
    assert expire_due(datetime(2026, 11, 27, 13, 29, tzinfo=UTC)) == 0
    assert expire_due(datetime(2026, 11, 27, 13, 30, tzinfo=UTC)) == 1


def test_what_was_approved_does_not_expire(waiting, manager, commits, ticks):
    its = waiting(Approval(roles=("manager",), expires_seconds=3600), VIENNA)
    with commits():
        decide(its, user=manager, approved=True)
    ticks("2026-11-28T12:00:00+00:00")
    assert fresh(its).status == "held"


def test_a_stricter_rule_counts_for_what_waits(waiting, manager, owner, replan, commits):
    its = waiting(Approval(roles=("manager",)))
    replan(staging(approval=Approval(roles=("owner",))))
    assert fresh(its).reason == "Waits for the approval of an owner"
    with pytest.raises(RefusedError, match="Only an owner may approve this"):
        decide(its, user=manager, approved=True)
    with commits():
        assert decide(its, user=owner, approved=True)


def test_a_stricter_rule_counts_for_what_was_approved_and_is_held(waiting, manager, owner, replan, commits, clock):
    its = waiting(MANAGER, VIENNA)
    with commits():
        decide(its, user=manager, approved=True)
    clock("2026-11-28T12:00:00+00:00")
    replan(staging(VIENNA, approval=Approval(roles=("owner",))))
    assert (fresh(its).status, fresh(its).expires_at) == ("waiting", datetime(2026, 12, 5, 12, tzinfo=UTC))
    with commits():
        assert decide(its, user=owner, approved=True)
    assert (fresh(its).status, its.decisions.count()) == ("held", 2)


def test_a_yes_of_who_has_lost_the_role_does_not_count(waiting, manager, commits, ticks):
    its = waiting(MANAGER, VIENNA)
    with commits():
        decide(its, user=manager, approved=True)
    Membership.objects.filter(user=manager).update(role=Role.CONTRIBUTOR)
    ticks(MONDAY_EVENING)
    assert (fresh(its).status, deployment_jobs()) == ("waiting", 0)
    Membership.objects.filter(user=manager).update(role=Role.OWNER)
    with pytest.raises(RefusedError, match="You approved it before"):
        decide(its, user=manager, approved=False)
    with commits():
        assert decide(its, user=manager, approved=True)
    assert (fresh(its).status, its.decisions.count()) == ("rolling_out", 1)


def test_a_rule_that_is_taken_away_lets_go_what_waits(waiting, replan):
    its = waiting()
    replan(staging())
    assert fresh(its).status == "rolling_out"
