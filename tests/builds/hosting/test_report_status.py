"""Commit statuses: noted with the move, told in order, and never an old state over a newer one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from builds.models import Build, Connection, OutboxEntry, OutboxLane, Project, ReportedStatus
from builds.models.outbox import OutboxState
from builds.services.move import move_build
from builds.services.receive import Incoming, receive
from builds.services.report_status import KIND
from builds.services.retry import retry
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from tests.builds.hosting.conftest import later, work
from tests.builds.providers.standin import COMMIT, GONE, Reply

pytestmark = pytest.mark.django_db


def request(commit=COMMIT, **changes):
    return BuildRequest(**{"ref": "refs/heads/main", "branch": "main", "commit": commit, **changes})


@pytest.fixture
def build(tied) -> Build:
    return trigger(tied, request(), who="a test")


def told(standin):
    return [status["word"] for status in standin.statuses]


def test_each_state_is_told_in_its_order_with_a_sentence_and_the_page(standin, build):
    work()
    move_build(build.pk, Status.RUNNING)
    work()
    move_build(build.pk, Status.FAILED, reason="unit exited 1")
    work()
    assert told(standin) == ["pending", "pending", "failure"]
    last = standin.statuses[-1]
    assert last["commit"] == COMMIT
    assert last["context"] == "ciservice"
    assert last["description"].startswith("Failed in")
    assert "unit exited 1" in last["description"]
    assert last["url"] == f"http://testserver/projects/{build.project.uuid}/builds/{build.number}/"
    assert standin.statuses[0]["description"] == "Waiting"


@pytest.mark.parametrize(
    ("to", "word"),
    [
        (Status.WAITING, "pending"),
        (Status.PASSED, "success"),
        (Status.ERRORED, "error"),
        (Status.CANCELLED, "error"),
        (Status.SKIPPED, "success"),
    ],
)
def test_every_state_of_a_build_has_its_word(to, word, standin, build):
    move_build(build.pk, to)
    work()
    assert told(standin) == [word]


def test_what_changed_while_nobody_sent_is_told_once(standin, build):
    for to in (Status.RUNNING, Status.QUEUED, Status.RUNNING, Status.PASSED):
        move_build(build.pk, to)
    assert OutboxEntry.objects.filter(kind=KIND).count() == 5
    work()
    assert told(standin) == ["success"]
    assert set(OutboxEntry.objects.filter(kind=KIND).values_list("state", flat=True)) == {OutboxState.SENT}


def test_it_is_written_with_the_change_or_not_at_all(build):
    before = OutboxEntry.objects.count()
    with transaction.atomic():
        move_build(build.pk, Status.RUNNING)
        assert OutboxEntry.objects.count() == before + 1
        transaction.set_rollback(True)
    assert OutboxEntry.objects.count() == before


def test_a_push_is_pending_from_its_first_moment(standin, tied):
    receive(tied, Incoming(event="push", request=request(), ref="refs/heads/main", after=COMMIT))
    work()
    assert told(standin) == ["pending"]


def test_the_newest_build_of_a_commit_wins(standin, build, owner):
    move_build(build.pk, Status.FAILED)
    work()
    again = retry(build, requested_by=owner, who="owner")
    work()
    move_build(again.pk, Status.PASSED)
    work()
    assert told(standin) == ["failure", "pending", "success"]
    assert standin.statuses[-1]["url"].endswith(f"/builds/{again.number}/")


def test_a_late_old_state_brings_nothing_back(standin, build, owner):
    work()
    standin.fault = lambda request: Reply(502, {})
    move_build(build.pk, Status.FAILED)
    work()
    standin.fault = lambda request: None
    again = retry(build, requested_by=owner, who="owner")
    move_build(again.pk, Status.PASSED)
    later()
    work()
    assert told(standin) == ["pending", "success"]


def test_other_commits_are_told_of_on_their_own(standin, tied, build):
    standin.repositories[0].commits += ("f" * 40,)
    other = trigger(tied, request("f" * 40), who="a test")
    move_build(other.pk, Status.PASSED)
    work()
    assert [(status["commit"][0], status["word"]) for status in standin.statuses] == [
        ("c", "pending"),
        ("f", "success"),
    ]


def test_a_build_of_a_fork_is_told_of_at_our_repository(standin, tied):
    trigger(tied, request(from_fork=True, pull_request=7), who="a test")
    work()
    assert standin.statuses[0]["repository"] == tied.repository_name


def test_the_context_is_the_projects_or_the_instances(standin, tied, build, settings):
    settings.STATUS_CONTEXT = "continuous-integration/codeship"
    work()
    Project.objects.update(status_context="ci/ours")
    move_build(build.pk, Status.PASSED)
    work()
    assert [status["context"] for status in standin.statuses] == ["continuous-integration/codeship", "ci/ours"]


def test_who_wants_no_statuses_has_none(tied, make_build):
    Project.objects.update(reports_statuses=False)
    tied.refresh_from_db()
    trigger(tied, request(), who="a test")
    Project.objects.update(reports_statuses=True, connection=None)
    tied.refresh_from_db()
    build = trigger(tied, request(), who="a test")
    move_build(build.pk, Status.PASSED)
    assert not OutboxEntry.objects.filter(kind=KIND).exists()


def test_a_build_without_a_commit_yet_says_nothing(tied):
    trigger(tied, request(commit=""), who="a test")
    assert not OutboxEntry.objects.filter(kind=KIND).exists()


def test_a_host_that_is_away_is_asked_again(standin, build):
    standin.fault = lambda request: Reply(503, {})
    work()
    entry = OutboxEntry.objects.get(kind=KIND)
    assert (entry.state, entry.last_error) == (OutboxState.PENDING, "GitHub answered 503.")
    standin.fault = lambda request: None
    later()
    work()
    assert told(standin) == ["pending"]


def test_a_limit_holds_up_all_projects_of_the_token_until_it_ends(standin, tied, build, organization):
    standin.fault = lambda request: Reply(429, {}, {"Retry-After": "600"})
    work()
    asked = len(standin.requests)
    other = Project.objects.create(organization=organization, name="other", repository_url="git@h:o/n.git")
    other.connection, other.repository_id, other.repository_name = tied.connection, "102", "shop/web"
    other.save()
    trigger(other, request(), who="a test")
    work()
    assert len(standin.requests) == asked
    ends = datetime.now(UTC) + timedelta(seconds=590)
    assert Connection.objects.get().quiet_until > ends
    assert OutboxLane.objects.get(name=f"{KIND}:{tied.pk}").rests_until > ends
    standin.fault = lambda request: None
    later()
    work()
    assert sorted(status["repository"] for status in standin.statuses) == ["shop/api", "shop/web"]


def test_an_expired_token_is_shown_and_the_state_told_when_it_is_replaced(standin, build):
    standin.token = "another"
    work()
    problem = Project.objects.get(pk=build.project_id).hosting_problem
    assert "does not accept the token" in problem
    assert "organisation's connections" in problem
    Connection.objects.update(token="irrelevant")
    connection = Connection.objects.get()
    connection.token = "another"
    connection.save()
    later()
    work()
    assert told(standin) == ["pending"]


def test_a_commit_that_is_not_there_is_given_up_and_shown(standin, tied):
    build = trigger(tied, request(GONE), who="a test")
    work()
    kept = ReportedStatus.objects.get()
    assert (kept.build, kept.state) == (build, "")
    assert "No commit found" in kept.problem
    assert OutboxEntry.objects.get(kind=KIND).state == OutboxState.DEAD
    standin.complaints.clear()


def test_a_later_success_takes_the_problem_away(standin, tied):
    build = trigger(tied, request(GONE), who="a test")
    work()
    standin.complaints.clear()
    standin.repositories[0].commits += (GONE,)
    move_build(build.pk, Status.PASSED)
    work()
    assert list(ReportedStatus.objects.values_list("state", "problem")) == [("passed", "")]


def test_nothing_secret_is_in_the_outbox(tied, build):
    secrets = [tied.connection.token, tied.hook_secret, tied.ssh_private_key.split()[5]]
    for entry in OutboxEntry.objects.all():
        text = json.dumps(entry.payload) + entry.key + entry.lane + entry.owner
        assert not [secret for secret in secrets if secret in text]


def test_a_project_that_is_not_connected_pays_nothing(project, make_build, django_assert_num_queries):
    build = make_build()
    with django_assert_num_queries(3):  # the row, its change, the move
        move_build(build.pk, Status.RUNNING)
