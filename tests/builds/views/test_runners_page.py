"""The page of runners and the switch that halts work: what people see, and what only administrators may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Membership, Role, User
from builds.models import Halt, JoinToken, Runner
from builds.services.claim import claim
from builds.services.halt import halt
from builds.services.pulse import beat
from tests.builds.queue import RUNNER, add_job, claim_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_superuser("root@example.com", "correct horse battery")


@pytest.fixture
def row(db) -> Runner:
    return beat(RUNNER, capacity=4, executor="fake", draining=False)


@pytest.fixture
def seen(client):
    """The text of the page of runners as somebody sees it."""

    def seen(user: User, name: str = "runners") -> str:
        client.force_login(user)
        return client.get(reverse(name)).content.decode()

    return seen


def press(client, user: User, name: str, *arguments: object, **fields: object) -> int:
    client.force_login(user)
    return client.post(reverse(name, args=arguments), fields).status_code


def test_it_tells_who_is_alive_and_what_runs(seen, row, make_build, owner):
    build = make_build()
    add_job(build)
    claim_now()
    page = seen(owner)
    assert "runner-ready" in page
    assert "1 of 4" in page
    assert reverse("build", args=[build.project.uuid, build.number]) in page


def test_a_stranger_sees_that_it_is_busy_and_not_with_what(seen, row, make_build, stranger):
    build = make_build()
    add_job(build)
    claim_now()
    page = seen(stranger)
    assert "1 job of others" in page
    assert build.project.name not in page
    assert reverse("build", args=[build.project.uuid, build.number]) not in page


def test_it_tells_who_is_gone(seen, row, owner):
    Runner.objects.update(seen_at=Now() - timedelta(hours=1))
    page = seen(owner)
    assert "runner-gone" in page
    assert "Nothing was heard of it" in page


def test_an_administrator_pauses_resumes_drains_revokes_and_forgets(client, seen, row, make_build, admin):
    add_job(make_build())
    assert press(client, admin, "runner_pause", row.pk, reason="New kernel") == 302
    assert claim(RUNNER) is None
    assert "was paused by root@example.com (New kernel)." in seen(admin)
    assert press(client, admin, "runner_resume", row.pk) == 302
    claim_now()
    assert press(client, admin, "runner_drain", row.pk) == 302
    assert "runner-draining" in seen(admin)
    assert press(client, admin, "runner_revoke", row.pk) == 302
    assert "runner-revoked" in seen(admin)
    assert press(client, admin, "runner_forget", row.pk) == 302
    assert "is alive, and would be back" in seen(admin)
    Runner.objects.update(seen_at=Now() - timedelta(hours=1))
    press(client, admin, "runner_forget", row.pk)
    assert not Runner.objects.exists()


@pytest.mark.parametrize("act", ["pause", "resume", "drain", "revoke", "forget"])
def test_nobody_else_may(client, row, owner, seen, act):
    assert press(client, owner, f"runner_{act}", row.pk) == 403
    before = Runner.objects.get()
    assert (before.paused_at, before.drain_at, before.revoked_at) == (None, None, None)
    assert reverse(f"runner_{act}", args=[row.pk]) not in seen(owner)


def test_the_line_to_type_is_shown_once(client, seen, admin, settings):
    settings.RUNNER_DATABASE_URL, settings.RUNNER_REDIS_URL = "postgres://ci@10.0.0.1/ci", "redis://10.0.0.1/0"
    client.force_login(admin)
    page = client.post(reverse("join_token_make"), {"serves": "forks"}).content.decode()
    assert f"ciservice join {settings.PUBLIC_URL} cij_" in page
    assert "cij_" not in seen(admin)
    token = JoinToken.objects.get()
    assert press(client, admin, "join_token_revoke", token.uuid) == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


class TestHalt:
    def test_a_manager_halts_their_organisation_and_everybody_in_it_reads_why(
        self, client, seen, make_user, organization, make_build, row, member
    ):
        manager = make_user("manager@example.com", organization, Role.MANAGER)
        add_job(make_build())
        assert press(client, manager, "halt_throw", organization="shop", reason="Registry compromised") == 302
        assert claim(RUNNER) is None
        assert "Registry compromised" in seen(member, "projects")
        assert press(client, manager, "halt_lift", organization="shop") == 302
        assert claim(RUNNER) is not None
        assert "Registry compromised" not in seen(member, "projects")

    def test_a_reason_is_asked_for(self, client, owner):
        assert press(client, owner, "halt_throw", organization="shop", reason=" ") == 400
        assert not Halt.objects.exists()

    def test_a_contributor_may_not_and_for_a_stranger_it_is_not_there(self, client, member, stranger):
        assert press(client, member, "halt_throw", organization="shop", reason="x") == 403
        assert press(client, stranger, "halt_throw", organization="shop", reason="x") == 404
        assert not Halt.objects.exists()

    def test_only_an_administrator_halts_everything_or_lifts_that(self, client, seen, owner, admin, stranger):
        assert press(client, owner, "halt_throw", reason="x") == 403
        assert press(client, admin, "halt_throw", reason="Stop everything") == 302
        assert "Stop everything" in seen(stranger, "projects")
        assert press(client, owner, "halt_lift") == 403
        assert Halt.objects.filter(ended_at=None).count() == 1

    def test_strangers_do_not_read_of_it(self, seen, owner, stranger, organization):
        halt(organization, user=owner, reason="Of the shop alone")
        assert "Of the shop alone" not in seen(stranger, "projects")
        assert "Of the shop alone" in seen(owner, "runners")
        assert Membership.objects.filter(user=stranger, organization=organization).count() == 0
