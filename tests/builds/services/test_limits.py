"""How many builds of an organisation may wait: what comes beyond is refused, in words, and asking costs next to nothing."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from builds.models import Build, Project
from builds.models.delivery import DeliveryOutcome
from builds.services.limits import QueueFullError, queue_full, queue_lines, set_limits
from builds.services.receive import Incoming, receive
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from tests.builds.queue import add_job, claim_now

pytestmark = pytest.mark.django_db

REQUEST = BuildRequest(ref="refs/heads/main", branch="main", commit="a" * 40)


@pytest.fixture
def narrow(organization) -> Organization:
    """Two builds of it may wait."""
    set_limits(organization, running=None, waiting=2, user=None)
    return organization


def test_what_comes_beyond_is_noted_and_not_built(narrow, project):
    outcomes = [receive(project, Incoming(event="push", request=REQUEST, after=str(n) * 40))[0] for n in range(3)]
    assert [one.outcome for one in outcomes] == [DeliveryOutcome.BUILT] * 2 + [DeliveryOutcome.IGNORED]
    assert "2 builds wait already" in outcomes[2].reason
    assert Build.objects.count() == 2


def test_a_person_reads_the_same_sentence(narrow, project):
    trigger(project, REQUEST, who="ada")
    trigger(project, REQUEST, who="ada")
    with pytest.raises(QueueFullError, match="2 builds wait already"):
        trigger(project, REQUEST, who="ada")


def test_there_is_room_again_when_one_has_begun(narrow, project, make_build):
    builds = [make_build() for _ in range(2)]
    assert queue_full(narrow.pk)
    Build.objects.filter(pk=builds[0].pk).update(status=Status.RUNNING)
    assert not queue_full(narrow.pk)


def test_others_are_not_concerned(narrow, make_build):
    other = Organization.objects.create(name="Elsewhere", slug="elsewhere")
    theirs = Project.objects.create(organization=other, name="e/api")
    for _ in range(2):
        make_build()
    assert queue_full(narrow.pk)
    assert trigger(theirs, REQUEST, who="ada").number == 1


def test_a_flood_asks_the_database_once_while_there_is_plenty_of_room(organization):
    set_limits(organization, running=None, waiting=1000, user=None)
    with CaptureQueriesContext(connection) as captured:
        answers = {queue_full(organization.pk) for _ in range(100)}
    assert answers == {""}
    assert len(captured) == 1


def test_a_new_limit_counts_at_once(organization, make_build):
    make_build()
    assert not queue_full(organization.pk)
    call_command("set_limits", "shop", waiting=1, running=3)
    organization.refresh_from_db()
    assert queue_full(organization.pk)
    assert organization.concurrency == 3


@pytest.mark.parametrize(
    ("slug", "limits", "said"),
    [("nobody", {"running": 1}, "no organisation"), ("shop", {}, "--running"), ("shop", {"waiting": 0}, "at least 1")],
)
def test_a_limit_that_makes_no_sense_is_refused(organization, slug, limits, said):
    with pytest.raises(CommandError, match=said):
        call_command("set_limits", slug, **limits)


def test_what_runs_and_waits_is_told_with_the_limits(narrow, make_build):
    add_job(make_build())
    claim_now()
    make_build()
    [line] = queue_lines(None)
    assert (line.running, line.waiting, line.most_waiting) == (1, 1, 2)
