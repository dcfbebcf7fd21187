"""A person lets a held release go: by role, with a reason, and with a trace."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Role
from builds.pipeline.delivery import Approval
from builds.states import Status
from deployments.services.freezes import freeze
from deployments.services.override import override
from deployments.services.request import RefusedError
from tests.deployments.conftest import deployment_jobs, of
from tests.deployments.gated import VIENNA, fresh, staging

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def held(release):
    return of(release(staging(VIENNA)), "staging")


def test_it_goes_at_once_and_the_reason_stays(held, owner, commits, end):
    with commits():
        assert override(held, user=owner, reason=" the shop\x00 is down ")
    its = fresh(held)
    assert (its.status, its.override_reason, its.held_until) == ("rolling_out", "the shop  is down", None)
    told = its.moves.get(came_from="held")
    assert (told.who, told.reason) == (owner.email, f"{owner} lets it go outside its window: the shop  is down")
    entry = AuditEntry.objects.get(action="deployment.window_overridden")
    assert (entry.user, entry.organization, entry.details["reason"]) == (
        owner,
        its.release.project.organization,
        "the shop  is down",
    )
    assert entry.details["held"] == "The window opens on Monday at 18:00 (Europe/Vienna)"
    assert end(its).status == "live"


def test_clicked_twice_it_goes_once(held, owner, commits):
    with commits():
        assert override(held, user=owner, reason="now")
    with commits():
        assert not override(held, user=owner, reason="now")
    assert deployment_jobs() == 1
    assert AuditEntry.objects.filter(action="deployment.window_overridden").count() == 1


def test_a_freeze_is_passed_too(release, owner, organization, commits):
    freeze(
        organization, starts_at=timezone.now(), ends_at=datetime(2026, 12, 27, tzinfo=UTC), reason="rest", user=owner
    )
    its = of(release(), "staging")
    with commits():
        assert override(its, user=owner, reason="now")
    assert fresh(its).status == "rolling_out"


def test_behind_another_it_keeps_its_leave(release, owner, commits, clock, end):
    clock("2026-11-24T08:59:00+00:00")
    going = of(release(staging(VIENNA)), "staging")
    clock("2026-11-24T11:00:00+00:00")
    held = of(release(staging(VIENNA), commit="b" * 40), "staging")
    assert held.status == "requested", "its turn has not come, so nothing was asked"
    with commits():
        assert not override(held, user=owner, reason="now")
    end(going, Status.FAILED)
    with commits():
        assert override(fresh(held), user=owner, reason="now")
    assert fresh(held).status == "rolling_out"


def test_a_newer_release_has_no_leave_of_the_older(held, release, owner, commits):
    newer = of(release(staging(VIENNA), commit="b" * 40), "staging")
    with commits():
        assert not override(held, user=owner, reason="now"), "it was folded into the newer"
    assert (fresh(newer).status, deployment_jobs()) == ("held", 0)


def test_it_passes_no_approval(release, owner, commits):
    its = of(release(staging(VIENNA, approval=Approval(roles=("owner",)))), "staging")
    with commits():
        assert not override(its, user=owner, reason="now")
    assert (fresh(its).status, deployment_jobs()) == ("waiting", 0)


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.OWNER, True), (Role.MANAGER, True), (Role.PROJECT_MANAGER, False), (Role.CONTRIBUTOR, False)],
)
def test_who_may(held, make_user, organization, role, may):
    user = make_user("x@example.com", organization, role)
    if may:
        assert override(held, user=user, reason="now")
        return
    with pytest.raises(RefusedError, match="You may not let a release go outside its window"):
        override(held, user=user, reason="now")
    assert (fresh(held).status, fresh(held).override_reason) == ("held", "")
    assert not AuditEntry.objects.filter(action="deployment.window_overridden").exists()


def test_strangers_may_not(held, stranger):
    with pytest.raises(RefusedError, match="You may not"):
        override(held, user=stranger, reason="now")


@pytest.mark.parametrize("reason", ["", "  ", "\x00"])
def test_without_a_reason_it_stays(held, owner, reason):
    with pytest.raises(RefusedError, match="Say why"):
        override(held, user=owner, reason=reason)
    assert fresh(held).status == "held"
