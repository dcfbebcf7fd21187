"""Runners, the switch and the reason why a build waits: whole pages at every width, light and dark."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, Role, User
from builds.models import Runner
from builds.services.claim import RunnerIdentity, claim
from builds.services.halt import halt
from tests.browser.test_pages import LOOKS, breaches
from tests.builds.queue import add_job

JUST_NOW = {"executor": "docker", "version": "1.0.0"}


@pytest.fixture
def fleet(transactional_db, organization, make_build) -> tuple[User, str]:
    """Runners in each state, a halt, a job that runs and one that waits; an administrator and the waiting build's page."""
    now = timezone.now()
    admin = User.objects.create_superuser("ada@example.com", "correct horse battery")
    Membership.objects.create(user=admin, organization=organization, role=Role.OWNER)
    told = {
        "build-1": {"labels": ["gpu", "arm64"], "capacity": 4},
        "build-2": {"paused_at": now, "paused_by": "ada@example.com", "pause_reason": "New kernel"},
        "build-3": {"seen_at": now - timedelta(minutes=20)},
        "build-4": {"revoked_at": now, "revoked_by": "ada@example.com"},
    }
    for name, facts in told.items():
        fields = {**JUST_NOW, "started_at": now - timedelta(hours=3), "seen_at": now + timedelta(minutes=5), **facts}
        Runner.objects.create(name=name, **fields)
    add_job(make_build())
    assert claim(RunnerIdentity(name="build-1"))
    build = make_build()
    add_job(build, labels=("windows",))
    return admin, f"/projects/{build.project.uuid}/builds/{build.number}/"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_they_are_whole(visitor, fleet, organization, scheme, width):
    user, build = fleet
    page = visitor.page(user, color_scheme=scheme, viewport={"width": width, "height": 900})
    wrong = []
    for address in (build, "/runners", "/halt"):
        if address == "/runners":
            halt(organization, user=user, reason="Registry compromised: nothing is built before 18:00")
        assert page.goto(address).status == 200, address
        text = page.inner_text("body")
        assert ("Registry compromised" if address != build else "with the label windows") in text
        wrong += [f"{address} {line}" for line in breaches(page)]
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            wrong.append(f"{address} is {beyond} px too wide")
    assert wrong == []
