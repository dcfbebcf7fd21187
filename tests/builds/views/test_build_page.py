"""The page of a build without scripts: verdict, tree, log, buttons by right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from builds.models import Build, BuildMove, Job, Runner, Step
from builds.states import Status
from builds.views import log_pane
from tests.browser import seed


@pytest.fixture
def browser(client, member):
    """A client logged in as a contributor."""
    client.force_login(member)
    return client


@pytest.fixture
def failed(project) -> Build:
    """A build whose unit tests failed nine minutes ago."""
    return seed.failed_build(project, timezone.now() - timedelta(minutes=9))


def address(build: Build) -> str:
    return f"/projects/{build.project.uuid}/builds/{build.number}/"


def test_the_verdict_is_a_sentence_that_leads_to_the_failing_step(browser, failed):
    page = browser.get(address(failed)).content.decode()
    unit = Step.objects.get(name="unit")
    assert "<b>Failed in 2m 14s</b>" in page
    assert f'href="?step={unit.uuid}#L{unit.log_lines}"' in page
    assert "exited 1" in page
    assert "#1 failed · shop/api</title>" in page
    assert "favicon-failed.svg" in page


def test_the_log_of_the_failed_step_is_there_without_scripts(browser, failed):
    page = browser.get(address(failed)).content.decode()
    assert 'id="L22"' in page
    assert "test_rounding[AT-20]" in page
    assert "exit 1 after 1m 20s." in page
    assert "\x1b" not in page


@pytest.mark.parametrize("kind", ["push", "deploy"])
def test_a_step_that_is_no_command_has_a_log_like_any_other(browser, failed, kind):
    Step.objects.filter(name="unit").update(kind=kind)
    unit = Step.objects.get(name="unit")

    page = browser.get(address(failed)).content.decode()

    assert f'href="?step={unit.uuid}"' in page
    assert "test_rounding[AT-20]" in page
    assert f'data-step="{unit.uuid}"' in page, "its block in the strip"
    assert f'href="?step={unit.uuid}#L{unit.log_lines}"' in page, "the verdict"


def test_another_step_is_one_link_away(browser, failed):
    lint = Step.objects.get(name="ruff")
    page = browser.get(address(failed), {"step": str(lint.uuid)}).content.decode()
    assert f'href="?step={lint.uuid}"' in browser.get(address(failed)).content.decode()
    assert "All checks passed!" in page
    assert "exit 0: success after 29s." in page


def test_long_logs_are_paged(browser, project, monkeypatch):
    monkeypatch.setattr(log_pane, "PAGE_LINES", 10)
    step = seed.big_log(project, 25)
    last = browser.get(address(step.job.build)).content.decode()
    assert 'id="L25"' in last
    assert 'id="L15"' not in last
    assert f"?step={step.uuid}&amp;from=6" in last
    first = browser.get(address(step.job.build), {"step": str(step.uuid), "from": "1"}).content.decode()
    assert 'id="L1"' in first
    assert 'id="L11"' not in first
    assert f"?step={step.uuid}&amp;from=11" in first


def test_lost_attempts_stay_visible(browser, failed):
    page = browser.get(address(failed)).content.decode()
    assert "Attempt 1" in page
    assert "runner lost: no sign of life for 60 s" in page


def test_warnings_of_the_plan_have_their_place(browser, failed):
    page = browser.get(address(failed)).content.decode()
    assert "1 warning about the configuration" in page
    assert "<code>codeship-steps.yml:7</code>" in page


def test_what_a_runner_has_to_say(browser, failed):
    now = timezone.now()
    Runner.objects.create(
        name="runner-1", executor="process", version="1", started_at=now, seen_at=now, note="No containers here."
    )
    assert "No containers here." in browser.get(address(failed)).content.decode()


def test_who_stopped_it_and_why(browser, make_build):
    build = make_build(status=Status.CANCELLED, reason="A newer push came.")
    BuildMove.objects.create(build=build, went_to=Status.CANCELLED, who="grace@example.com", reason=build.reason)
    page = browser.get(address(build)).content.decode()
    assert "A newer push came." in page
    assert "Stopped by grace@example.com." in page


def test_a_configuration_error_is_shown_whole(browser, make_build):
    build = make_build(status=Status.FAILED, reason="ciservice.yml:3:5: unknown key `stepz`: did you mean `steps`?")
    page = browser.get(address(build)).content.decode()
    assert "It could not be planned." in page
    assert "ciservice.yml:3:5" in page


@pytest.mark.parametrize(
    ("labels", "runners", "sentence"),
    [
        ("", [], "none is alive"),
        ("gpu", [[]], "with the label gpu"),
        ("", [[]], "A runner takes it in a moment."),
    ],
)
def test_a_waiting_build_says_why(browser, project, labels, runners, sentence):
    build = seed.make_build(project, Status.QUEUED, at=timezone.now())
    seed.make_job(build, "test", Status.QUEUED, labels=labels)
    for its in runners:
        now = timezone.now()
        Runner.objects.create(name="r", labels=its, executor="docker", version="1", started_at=now, seen_at=now)
    page = browser.get(address(build)).content.decode()
    assert sentence in page
    assert "unit" in page  # the planned steps can be seen before a runner has them


def test_a_waiting_build_says_when_its_organisation_is_at_its_limit(browser, organization, project):
    now = timezone.now()
    Runner.objects.create(name="r", capacity=9, executor="docker", version="1", started_at=now, seen_at=now)
    organization.concurrency = 1
    organization.save()
    seed.running_build(project)
    build = seed.make_build(project, Status.QUEUED, at=timezone.now())
    seed.make_job(build, "test", Status.QUEUED)
    assert "as many as it may at one time" in browser.get(address(build)).content.decode()


def test_strangers_find_nothing(client, stranger, failed):
    client.force_login(stranger)
    step = Step.objects.get(name="unit")
    for path in ("", "events", f"steps/{step.uuid}/lines", f"steps/{step.uuid}/raw", f"steps/{step.uuid}/search?q=a"):
        assert client.get(address(failed) + path).status_code == 404, path
    assert client.get(address(failed) + "again").status_code == 404
    for path in ("cancel", "retry", "replay"):
        assert client.post(address(failed) + path).status_code == 404


def test_a_contributor_may_run_again_but_not_stop(browser, project):
    build = seed.running_build(project)
    page = browser.get(address(build)).content.decode()
    assert "Run again" in page
    assert 'class="btn btn-danger">Stop' not in page
    assert browser.post(address(build) + "cancel").status_code == 403


def test_run_again_makes_a_new_build_of_the_commit(browser, failed):
    answer = browser.post(address(failed) + "retry")
    again = Build.objects.latest("pk")
    assert answer.url == address(again)
    assert (again.commit, again.restart_of) == (failed.commit, failed)
    assert "run again of" in browser.get(address(again)).content.decode()


def test_stop_cancels_by_right(client, make_user, organization, make_build):
    client.force_login(make_user("pm@example.com", organization, Role.PROJECT_MANAGER))
    build = make_build()
    assert ">Stop</button>" in client.get(address(build)).content.decode()
    assert client.post(address(build) + "cancel").status_code == 302
    build.refresh_from_db()
    assert build.status == Status.CANCELLED
    assert build.reason == "pm@example.com stopped it."


def test_buttons_need_the_token_of_the_form(member, make_build):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    build = make_build()
    assert strict.post(address(build) + "retry").status_code == 403
    assert Build.objects.count() == 1


def test_more_steps_cost_no_more_queries(browser, failed, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        browser.get(address(failed))
    for job in Job.objects.all():
        for number in range(5, 25):
            seed.make_step(job, str(number), f"more {number}", Status.PASSED, since=1, seconds=1)
    with django_assert_num_queries(len(few)):
        browser.get(address(failed))


def test_the_live_part_has_tree_and_state(browser, failed):
    part = browser.get(address(failed) + "?part=1").content.decode()
    assert "<html" not in part
    assert '<template data-for="tree">' in part
    assert 'data-status="failed"' in part


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": Status.QUEUED, "started_at": None}, "Not started yet."),
        ({"status": Status.SKIPPED, "started_at": None, "reason": "only for tag v*"}, "Skipped: only for tag v*"),
        (
            {"status": Status.CANCELLED, "started_at": None, "reason": "A newer push came."},
            "Cancelled before it began: A newer",
        ),
        ({"status": Status.RUNNING}, "it has printed nothing yet"),
        ({"status": Status.PASSED, "exit_code": 0, "log_ended": True}, "It printed nothing. exit 0: success"),
        (
            {"status": Status.FAILED, "exit_code": 137, "log_ended": True},
            "exit 137: killed (SIGKILL), often because memory",
        ),
        (
            {
                "status": Status.PASSED,
                "exit_code": 0,
                "log_lines": 7,
                "log_bytes": 70,
                "log_ended": True,
                "log_complete": True,
            },
            "Its log was deleted.",
        ),
    ],
)
def test_no_log_is_ever_empty_without_words(browser, project, fields, words):
    build = seed.running_build(project)
    Step.objects.filter(name="unit").update(**fields)
    step = Step.objects.get(name="unit")
    assert words in browser.get(address(build), {"step": str(step.uuid)}).content.decode()
