"""What a build's tests came to: on its page, in its sentence, and in the API; and its plan for repeating it."""

from __future__ import annotations

import pytest

from accounts.services.tokens import make_token
from builds.models import Build, Job, Secret, Step
from builds.services.enqueue import JobKind, enqueue
from builds.services.reported import keep_report
from builds.states import Status
from runners.reports import BadCase, Reports
from tests.builds.queue import claim_now, pipeline

pytestmark = pytest.mark.django_db


@pytest.fixture
def build(make_build):
    build = make_build(status=Status.FAILED)
    enqueue(build, pipeline("pytest", tests=("*.xml",)), kind=JobKind.PIPELINE, variables={})
    bad = BadCase(id="0a" * 6, name="test <b>", file="tests/test_a.py", line=7, seconds=1, message="assert <1>")
    keep_report(claim_now(), Reports(passed=409, failed=1, skipped=2, seconds=3.5, bad=(bad,)))
    Step.objects.update(status=Status.FAILED, exit_code=1)
    Job.objects.update(status=Status.FAILED)
    return build


@pytest.fixture
def api(client, owner, organization, project, build):
    _, token = make_token(owner, "t")
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    base = f"/v2/organizations/{organization.uuid}/projects/{project.uuid}/builds/{build.uuid}"
    return lambda path: client.get(f"{base}/{path}")


def test_the_page_says_how_many_failed_and_which(client, owner, project, build):
    client.force_login(owner)
    page = client.get(f"/projects/{project.uuid}/builds/{build.number}/").content.decode()
    assert "1 of 412 tests failed, 2 skipped" in page
    assert "exited 1, 1 test" in page
    assert "test &lt;b&gt;" in page
    assert "tests/test_a.py:7" in page
    assert "assert &lt;1&gt;" in page


def test_a_build_without_reports_shows_none(client, owner, project, make_build):
    build = make_build(status=Status.PASSED)
    client.force_login(owner)
    assert 'id="tests"' not in client.get(f"/projects/{project.uuid}/builds/{build.number}/").content.decode()


def test_the_api_has_counts_and_cases(api):
    answer = api("tests").json()
    (case,) = answer.pop("cases")
    assert answer == {"passed": 409, "failed": 1, "skipped": 2, "seconds": 3.5}
    assert (case["pipeline"], case["file"], case["line"], case["flaky"]) == ("test", "tests/test_a.py", 7, False)


def test_a_build_without_a_plan_says_so(api):
    answer = api("plan")
    assert answer.status_code == 404
    assert "has no plan" in answer.json()["errors"][0]


def test_the_plan_has_variables_and_no_secrets(api, build, project):
    Secret.objects.create(project=project, name="TOKEN", value="very secret words")
    Build.objects.filter(pk=build.pk).update(plan={"source": "ciservice.yml", "pipelines": []})
    answer = api("plan")
    assert "very secret words" not in answer.content.decode()
    found = answer.json()
    assert (found["number"], found["commit_sha"]) == (build.number, build.commit)
    assert (found["plan"]["source"], found["variables"]["CI_BUILD_ID"]) == ("ciservice.yml", str(build.uuid))
