"""API tokens: what is stored, who they let in, when they stop."""

import json
from datetime import timedelta

import pytest
from django.core.serializers import serialize
from django.utils import timezone

from accounts.forms import TokenForm
from accounts.models import ApiToken, AuditEntry
from accounts.services.tokens import make_token, revoke_token, tokens_of, user_of_token

PAST = timedelta(minutes=-1)


def test_a_token_lets_its_person_in(owner):
    token, raw = make_token(owner, "laptop")
    assert raw.startswith("cis_")
    assert len(raw) >= 4 + 43
    assert raw.startswith(token.prefix)
    assert user_of_token(raw) == owner


def test_the_database_does_not_hold_the_token(owner):
    _, raw = make_token(owner, "laptop")
    rows = json.dumps([serialize("json", ApiToken.objects.all()), serialize("json", AuditEntry.objects.all())])
    assert raw not in rows
    assert raw[12:] not in rows


@pytest.mark.parametrize("change", ["cut", "longer", "other", "empty", "no prefix", "surrogate", "nul"])
def test_nothing_but_the_whole_token_lets_in(change, owner):
    token, raw = make_token(owner, "laptop")
    changed = {
        "cut": raw[:-1],
        "longer": raw + "a",
        "other": raw[:-1] + ("A" if raw[-1] != "A" else "B"),
        "empty": "",
        "no prefix": raw.removeprefix("cis_"),
        "surrogate": "cis_\ud800",
        "nul": "cis_\0",
    }[change]
    assert user_of_token(changed) is None
    assert user_of_token(token.digest) is None


def test_an_expired_token_is_nobodys(owner):
    _, raw = make_token(owner, "old", timezone.now() + PAST)
    assert user_of_token(raw) is None
    assert tokens_of(owner) == []


def test_a_token_that_will_expire_works_until_then(owner):
    token, raw = make_token(owner, "short", timezone.now() + timedelta(hours=1))
    assert user_of_token(raw) == owner
    assert tokens_of(owner) == [token]


def test_an_inactive_person_is_kept_out(owner):
    _, raw = make_token(owner, "laptop")
    owner.is_active = False
    owner.save()
    assert user_of_token(raw) is None


def test_a_revoked_token_stops(owner):
    token, raw = make_token(owner, "laptop")
    assert revoke_token(owner, token.pk)
    assert user_of_token(raw) is None
    assert not revoke_token(owner, token.pk)


def test_nobody_revokes_another_persons_token(owner, stranger):
    token, raw = make_token(owner, "laptop")
    assert not revoke_token(stranger, token.pk)
    assert user_of_token(raw) == owner


def test_use_is_noted_at_most_once_a_minute(owner, django_assert_num_queries):
    token, raw = make_token(owner, "laptop")
    with django_assert_num_queries(2):
        user_of_token(raw)
    token.refresh_from_db()
    assert token.last_used_at is not None
    with django_assert_num_queries(1):
        user_of_token(raw)
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    with django_assert_num_queries(2):
        user_of_token(raw)


def test_making_and_revoking_leave_audit_entries(owner):
    token, _ = make_token(owner, "laptop")
    revoke_token(owner, token.pk)
    entries = AuditEntry.objects.order_by("pk").values_list("action", "subject", "user__email")
    assert list(entries) == [("token.made", "laptop", owner.email), ("token.revoked", "laptop", owner.email)]


def test_making_a_token_sweeps_expired_ones(owner, stranger):
    make_token(owner, "old", timezone.now() + PAST)
    make_token(stranger, "theirs", timezone.now() + PAST)
    make_token(owner, "new")
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"new", "theirs"}


def test_the_page_makes_a_token_that_is_good_for_little(owner, organization, client):
    client.force_login(owner)
    page = client.get("/account").content.decode()
    assert "start, stop and approve builds" in page
    asked = {
        "name": "dashboard",
        "days": "30",
        "scopes": ["build.read", "project.read"],
        "organization": organization.pk,
    }
    form = TokenForm(owner, asked)
    assert form.is_valid(), form.errors
    assert form.scopes_chosen() == ["build.read", "project.read"]
    assert form.cleaned_data["organization"] == organization
    assert TokenForm(owner, {"name": "all", "days": "30"}).is_valid()
    make_token(owner, "dashboard", scopes=form.scopes_chosen(), organization=organization)
    assert "project.read, build.read, in Shop" in client.get("/account").content.decode()


@pytest.mark.parametrize("wrong", [{"scopes": ["build.fly"]}, {"organization": 0}])
def test_the_page_takes_no_other_scope_and_no_others_organisation(owner, stranger, wrong):
    theirs = {"organization": stranger.organizations.get().pk} if "organization" in wrong else wrong
    assert not TokenForm(owner, {"name": "x", "days": "30", **theirs}).is_valid()
