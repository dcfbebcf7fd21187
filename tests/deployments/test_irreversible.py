"""What cannot be taken back: marked with a reason, and found where a rollback would go past it."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from accounts.models import AuditEntry
from deployments.models import Deployment, Environment, Release
from deployments.services.irreversible import MarkError, irreversible_between, mark, unmark

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(project) -> Environment:
    """An environment of the project."""
    return Environment.objects.create(project=project, name="production", source="main")


@pytest.fixture
def made(project, make_build):
    """A release of a new build, irreversible where a reason is given."""

    def made(irreversible: str = "", **fields: object) -> Release:
        build = make_build(**fields)
        return Release.objects.create(
            project=project, build=build, number=build.number, commit=build.commit, irreversible=irreversible
        )

    return made


def went(place, release, status, **fields) -> Deployment:
    """A deployment of `release` that began just now."""
    now = timezone.now()
    times = {"started_at": now, "live_at": now if status in {"live", "superseded"} else None}
    return Deployment.objects.create(
        environment=place, release=release, status=status, automatic=False, **{**times, **fields}
    )


def test_what_lies_between(place, made):
    old, migrated, harmless, live, next_one = made(), made("0007.sql"), made(), made("dropped"), made("later")
    went(place, live, "live")
    assert irreversible_between(place, old) == [live, migrated], "those that never went live here are in the code too"
    assert irreversible_between(place, migrated) == [live], "the target itself stays"
    assert irreversible_between(place, harmless) == [live]
    assert irreversible_between(place, live) == []
    assert irreversible_between(place, next_one) == [], "onward there is nothing to undo"


def test_nothing_live_is_nothing_to_undo(place, made):
    assert irreversible_between(place, made("x")) == []


@pytest.mark.parametrize("status", ["rolling_out", "verifying", "failed", "rolled_back", "unknown", "cancelled"])
def test_what_began_after_what_is_live_may_have_run_its_migrations(place, made, status):
    live, bad = made(), made("0008.sql")
    went(place, live, "live")
    went(place, bad, status)
    assert irreversible_between(place, live) == [bad]
    assert irreversible_between(place, bad) == []


def test_what_never_began_or_was_before_what_is_live_does_not_count(place, made):
    old, failed, live, waits = made(), made("tried"), made(), made("waits")
    went(place, failed, "failed")
    went(place, live, "live")
    went(place, waits, "held", started_at=None)
    assert irreversible_between(place, live) == []
    assert irreversible_between(place, old) == [failed], "what is live builds on it"


def test_another_branch_counts_only_where_it_was_here(place, made):
    old, elsewhere, here, live = (
        made(),
        made("of dev", ref="refs/heads/dev"),
        made("hotfix", ref="refs/heads/hotfix"),
        made(),
    )
    went(place, here, "superseded")
    went(place, live, "live")
    assert irreversible_between(place, old) == [here]
    tagged = [made(ref=f"refs/tags/v{n}", irreversible="of a tag" if n == 2 else "") for n in (1, 2, 3)]
    Deployment.objects.filter(status="live").update(status="superseded")
    went(place, tagged[2], "live")
    assert irreversible_between(place, tagged[0]) == [tagged[1]], "tags are one line"
    assert elsewhere.irreversible


def test_marking_and_unmarking_is_in_the_audit_log(made, owner):
    release = made()
    mark(release, user=owner, reason=" It dropped a column ")
    release.refresh_from_db()
    assert release.irreversible == "It dropped a column"
    unmark(release, user=owner, reason="The column is back")
    release.refresh_from_db()
    assert release.irreversible == ""
    told = list(AuditEntry.objects.order_by("id").values_list("action", "subject", "user", "details__reason"))
    assert told == [
        ("release.marked_irreversible", "release 1", owner.pk, "It dropped a column"),
        ("release.unmarked_irreversible", "release 1", owner.pk, "The column is back"),
    ]


def test_only_who_may_deploy_and_says_why(made, owner, member, stranger):
    release = made("as planned")
    for act in (mark, unmark):
        with pytest.raises(MarkError, match="Say why"):
            act(release, user=owner, reason="  ")
        with pytest.raises(PermissionDenied):
            act(release, user=member, reason="x")
        with pytest.raises(Http404):
            act(release, user=stranger, reason="x")
    release.refresh_from_db()
    assert release.irreversible == "as planned"
    assert not AuditEntry.objects.exists()
