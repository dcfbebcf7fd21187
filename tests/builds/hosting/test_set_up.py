"""Hook, key and statuses are set up by the outbox: once, again at a wish, and with a sentence where somebody must act."""

from __future__ import annotations

import pytest

from builds.models import HostingStep, OutboxEntry, Project
from builds.models.hosting import StepName, StepState
from builds.models.outbox import OutboxState
from builds.services.set_up import set_up
from tests.builds.hosting.conftest import connection_to, later, tie, work
from tests.builds.providers.standin import Reply

pytestmark = pytest.mark.django_db


def states(project):
    return dict(HostingStep.objects.filter(project=project).exclude(name="check").values_list("name", "state"))


def note(project, name):
    return HostingStep.objects.get(project=project, name=name).note


ALL_DONE = {"hook": "done", "key": "done", "status": "done"}


def test_every_host_is_set_up(any_standin, project, organization):
    tied = tie(project, connection_to(any_standin, organization), any_standin)
    set_up(tied)
    work()
    assert states(tied) == ALL_DONE
    tied.refresh_from_db()
    assert any_standin.hooks[tied.hook_id]["secret"] == tied.hook_secret
    assert tied.deploy_key_id in any_standin.keys
    assert tied.hosting_problem == ""
    assert HostingStep.objects.get(name=StepName.CHECK).state == StepState.DONE


def test_nothing_is_called_before_a_worker_comes(standin, tied):
    set_up(tied)
    assert standin.requests == []
    assert states(tied) == dict.fromkeys(ALL_DONE, "waiting")


def test_again_changes_nothing_and_makes_nothing_twice(standin, tied):
    set_up(tied)
    work()
    set_up(tied)
    set_up(tied, [StepName.HOOK])
    work()
    assert states(tied) == ALL_DONE
    assert (len(standin.hooks), len(standin.keys)) == (1, 1)


def test_a_public_repository_needs_no_key(standin, tied):
    Project.objects.update(
        repository_url="https://127.0.0.1/shop/web.git", repository_id="102", repository_name="shop/web"
    )
    tied.refresh_from_db()
    set_up(tied)
    work()
    assert states(tied) == {"hook": "done", "key": "unneeded", "status": "done"}
    assert standin.keys == {}


def test_a_right_that_lacks_is_named_with_who_can_give_it(standin, tied):
    standin.fault = lambda request: (
        Reply(403, {"message": "Resource not accessible"}) if "/hooks" in request.path else None
    )
    set_up(tied)
    work()
    assert states(tied) == {"hook": "failed", "key": "done", "status": "done"}
    assert "Webhooks: read and write" in note(tied, "hook")
    assert "administers the repository" in note(tied, "hook")
    standin.fault = lambda request: None
    set_up(tied, [StepName.HOOK])
    work()
    assert states(tied) == ALL_DONE


def test_a_host_that_is_away_is_tried_again_by_itself(standin, tied):
    standin.fault = lambda request: Reply(502, b"<html>")
    set_up(tied)
    work()
    assert states(tied) == dict.fromkeys(ALL_DONE, "waiting")
    assert "tried again by itself" in note(tied, "hook")
    standin.fault = lambda request: None
    later()
    work()
    assert states(tied) == ALL_DONE


def test_an_end_between_the_call_and_the_row_leaves_one_hook(standin, tied):
    set_up(tied)
    work()
    OutboxEntry.objects.update(state=OutboxState.PENDING)
    Project.objects.update(hook_id="", deploy_key_id="")
    later()
    work()
    tied.refresh_from_db()
    assert list(standin.hooks) == [tied.hook_id]
    assert list(standin.keys) == [tied.deploy_key_id]


def test_a_project_that_is_gone_or_untied_calls_nobody(standin, tied):
    set_up(tied)
    Project.objects.update(connection=None)
    work()
    assert standin.requests == []
