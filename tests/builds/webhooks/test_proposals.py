"""Pull and merge requests, of every git host: what of them is built, what waits for a person, and for which commit."""

import pytest

from accounts.models import AuditEntry
from builds.models import Build, BuildMove, WebhookDelivery
from builds.models.connection import Forks
from builds.services.approve import approve
from builds.services.retry import retry
from builds.states import Status
from tests.builds.webhooks.payloads import REPOSITORY, SENDERS, A, B, C, Proposed, push

MINE = {"head": REPOSITORY}


@pytest.fixture(autouse=True)
def _each_host(proposing):
    """Everything here holds for every git host that has pull requests."""


@pytest.fixture
def whole(project):
    """Has the planner look up a commit of which Bitbucket told the first digits, without a host to ask."""

    def whole(commit=A):
        for build in Build.objects.filter(commit=commit[:12]):
            Build.objects.filter(pk=build.pk).update(commit=commit, status=Status.WAITING)

    return whole


def last():
    return WebhookDelivery.objects.latest("pk")


def at(minute):
    return f"2026-11-24T12:{minute:02}:00Z"


class TestOfTheRepository:
    """Its pushes are built as branches already."""

    @pytest.mark.parametrize("what", ["opened", "moved", "reopened", "ready"])
    def test_its_pushes_are_built_as_a_branch(self, propose, what):
        assert "its pushes are built as branch feature" in propose(what, **MINE).json()["ignored"]
        assert not Build.objects.exists()

    @pytest.mark.parametrize("what", ["opened", "moved"])
    def test_where_pull_requests_alone_are_built_it_asks(self, propose, project, what):
        project.pull_requests_only = True
        project.save()
        assert propose(what, **MINE).status_code == 202
        build = Build.objects.get()
        assert (build.ref, build.branch, build.pull_request) == ("refs/heads/feature", "feature", 7)
        assert (build.trigger, build.from_fork, build.is_held, build.status) == ("pull_request", False, False, "queued")
        assert A.startswith(build.commit)
        assert build.pull_request_url.startswith("https://")

    def test_pushes_of_branches_and_tags_then_build_nothing_but_the_default_branch(self, send, project):
        project.pull_requests_only = True
        project.save()
        for ref in ("refs/heads/feature", "refs/tags/v1"):
            assert "when a pull request asks for it" in send(push(ref=ref)).json()["ignored"]
        assert "build" in send(push(ref="refs/heads/main")).json()

    def test_one_commit_is_built_once_however_often_it_is_told(self, propose, project):
        project.pull_requests_only = True
        project.save()
        for what in ("opened", "moved", "opened"):
            propose(what, **MINE)
        assert Build.objects.count() == 1
        assert (last().outcome, last().build) == ("duplicate", Build.objects.get())


class TestOfAFork:
    """Somebody else's repository."""

    @pytest.mark.parametrize("what", ["opened", "moved"])
    def test_it_waits_for_a_person(self, propose, project, whole, what):
        response = propose(what)
        assert response.status_code == 202
        whole()
        build = Build.objects.get()
        assert (build.from_fork, build.is_held, build.status) == (True, True, Status.WAITING)
        assert (build.ref, build.pull_request) == (SENDERS[project.provider].ref, 7)
        assert build.branch.endswith(":feature")
        assert build.planned_at is None
        assert not build.jobs.exists()

    def test_its_reason_says_who_and_what(self, propose, project):
        propose()
        build = Build.objects.get()
        if project.provider != "bitbucket":  # there the planner says it, when it knows the whole commit
            assert build.reason.lower().startswith("from a fork by")
            assert "mallory" in build.reason.lower()
            assert build.reason.endswith(f": a manager looks at commit {A[:7]} and approves.")
            assert BuildMove.objects.get().went_to == Status.WAITING

    def test_a_project_may_build_none(self, propose, project):
        project.forks = Forks.IGNORE
        project.save()
        assert "comes from a fork" in propose().json()["ignored"]
        assert not Build.objects.exists()

    def test_a_project_may_build_all(self, propose, project):
        project.forks = Forks.BUILD
        project.save()
        propose()
        build = Build.objects.get()
        assert (build.from_fork, build.is_held, build.status) == (True, False, Status.QUEUED)

    def test_a_repository_that_is_gone_is_a_fork(self, propose, project):
        propose(head=None)
        if project.provider == "bitbucket":
            assert "a fork that is gone" in last().reason
        else:
            assert Build.objects.get().from_fork

    @pytest.mark.parametrize("sender", ["maintainer", "mallory"])
    def test_who_sent_the_event_says_nothing_of_trust(self, propose, sender):
        propose(sender=sender, author="mallory")
        assert Build.objects.get().from_fork

    def test_who_opened_it_says_nothing_of_trust(self, propose):
        propose(author="maintainer", sender="maintainer")
        assert Build.objects.get().from_fork

    def test_a_newer_commit_waits_anew_and_the_older_is_cancelled(self, propose, whole):
        propose(at=at(0))
        propose("moved", commit=B, at=at(1))
        old, new = Build.objects.order_by("number")
        assert (old.status, old.reason) == (Status.CANCELLED, "Pull request #7 has a newer commit.")
        assert not new.is_final
        assert new.is_held

    @pytest.mark.parametrize("what", ["closed", "merged"])
    def test_a_closed_one_cancels_what_waits(self, propose, what):
        propose(at=at(0))
        propose(what, at=at(1))
        assert Build.objects.get().status == Status.CANCELLED
        assert last().reason == "Pull request #7 was closed."

    @pytest.mark.parametrize("what", ["opened", "moved"])
    def test_words_from_before_the_closing_that_come_late_build_nothing(self, propose, what):
        propose("closed", at=at(1))
        propose(what, at=at(0))
        assert not Build.objects.exists()
        assert "Told late" in last().reason

    def test_an_older_commit_that_is_told_late_is_not_built(self, propose):
        propose("moved", commit=B, at=at(1))
        propose("opened", commit=A, at=at(0))
        build = Build.objects.get()
        assert B.startswith(build.commit)
        assert not build.is_final

    def test_opened_again_it_waits_again(self, propose, whole):
        propose(at=at(0))
        propose("closed", at=at(1))
        propose("reopened", at=at(2))
        old, new = Build.objects.order_by("number")
        assert old.status == Status.CANCELLED
        assert new.is_held
        assert not new.is_final

    def test_a_new_title_builds_nothing_anew(self, propose):
        propose(at=at(0))
        propose("retitled", at=at(1))
        assert Build.objects.count() == 1
        assert not Build.objects.get().is_final

    def test_the_same_delivery_again_is_the_same_build(self, propose):
        first, again = (propose(delivery="d-1").json() for _ in range(2))
        assert again == {**first, "duplicate": True}

    def test_two_pull_requests_do_not_disturb_each_other(self, propose):
        propose(number=7, at=at(0))
        propose(number=8, at=at(1))
        propose("closed", number=8, at=at(2))
        assert Build.objects.get(pull_request=7).status != Status.CANCELLED
        assert Build.objects.get(pull_request=8).status == Status.CANCELLED

    @pytest.mark.parametrize("branch", ["main", "$(id)", "-rf", "ünïcode", "x" * 240])
    def test_its_branch_is_never_taken_for_the_projects_own(self, propose, branch):
        propose(branch=branch)
        assert Build.objects.get().branch.endswith(f":{branch}"[-200:])
        assert Build.objects.get().branch != branch


class TestApproving:
    """One commit, by one who may; nothing of it is read before."""

    @pytest.fixture
    def waiting(self, propose, whole):
        propose(at=at(0))
        whole()
        return Build.objects.get()

    def test_it_lets_the_planner_have_it(self, waiting, owner):
        assert approve(waiting, user=owner)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.is_held) == (Status.QUEUED, False)
        assert waiting.reason == f"Approved by {owner}: commit {A[:7]}."
        entry = AuditEntry.objects.get(action="build.approved")
        assert (entry.details["commit"], entry.details["from_fork"]) == (A, True)

    def test_only_once(self, waiting, owner):
        assert approve(waiting, user=owner)
        assert not approve(waiting, user=owner)

    def test_what_was_pushed_after_the_approval_waits_again(self, waiting, owner, propose, whole):
        approve(waiting, user=owner)
        propose("moved", commit=B, at=at(1))
        whole(B)
        waiting.refresh_from_db()
        assert waiting.status == Status.QUEUED, "it was approved: it goes on"
        new = Build.objects.get(number=2)
        assert (new.status, new.is_held) == (Status.WAITING, True)

    def test_a_cancelled_one_cannot_be_approved(self, waiting, owner, propose):
        propose("moved", commit=B, at=at(1))
        assert not approve(waiting, user=owner)
        waiting.refresh_from_db()
        assert waiting.status == Status.CANCELLED

    def test_run_again_before_anybody_approved_it_waits_again(self, waiting, owner):
        again = retry(waiting, requested_by=owner, who=owner.email)
        assert (again.status, again.is_held, again.from_fork) == (Status.WAITING, True, True)

    def test_run_again_after_the_approval_it_runs(self, waiting, owner):
        approve(waiting, user=owner)
        waiting.refresh_from_db()
        again = retry(waiting, requested_by=owner, who=owner.email)
        assert (again.status, again.is_held, again.from_fork) == (Status.QUEUED, False, True)


def test_the_hook_of_another_repository_is_refused(propose, project):
    project.repository_id, project.repository_name = "1", "shop/else"
    project.save()
    response = propose()
    assert response.status_code == 403
    assert "the hook of another repository" in response.json()["errors"][0]
    assert (last().outcome, Build.objects.count()) == ("refused", 0)


@pytest.mark.parametrize("proposing", ["github", "gitlab", "bitbucket"], indirect=True)
def test_a_draft_that_is_ready_asks(propose):
    propose("ready")
    assert Build.objects.get().is_held


def test_another_event_builds_nothing(send, project):
    comment = {
        "github": "issue_comment",
        "gitlab": "Note Hook",
        "gitea": "issue_comment",
        "bitbucket": "pullrequest:comment_created",
        "bitbucket_server": "pr:comment:added",
    }[project.provider]
    review = {"github": "pull_request_review", "gitea": "pull_request_approved"}.get(project.provider, "x")
    for event in (comment, review):
        _, payload = SENDERS[project.provider].proposal(Proposed())
        assert "ignored" in send(payload, event=event).json()
    assert not Build.objects.exists()


@pytest.mark.parametrize("commit", [None, "", "HEAD", "--upload-pack=id", A[:6], A.upper(), "\n" + C])
def test_a_head_that_is_no_commit_is_unreadable(propose, commit, project):
    response = propose(commit=commit if commit is not None else "0x")
    assert response.status_code == 400
    assert last().outcome == "refused"
