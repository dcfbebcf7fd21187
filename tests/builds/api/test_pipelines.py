"""Pipelines, services and steps of a build, and how a project's builds went."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from builds.models import BadCase, Build, Job, Tally

COMMIT = "b" * 40


@pytest.fixture
def make_job(make_build):
    def make(build=None, **fields):
        build = build or make_build(status="passed")
        values = {"name": "test", "spec": {}, "attempt": 1, "status": "passed"}
        return Job.objects.create(build=build, organization=build.project.organization, **{**values, **fields})

    return make


def test_pipelines_in_codeships_words(api, builds_url, make_job):
    now = timezone.now()
    job = make_job(owner="runner-1", started_at=now, finished_at=now + timedelta(seconds=11))
    make_job(job.build, kind="deployment", name="staging", status="running")
    make_job(job.build, kind="check", name="look")
    page = api.get(f"{builds_url}/{job.build.uuid}/pipelines").json()
    assert page["total"] == 2
    one, two = page["pipelines"]
    assert (one["type"], one["status"], one["build_uuid"]) == ("build", "success", str(job.build.uuid))
    assert (two["type"], two["status"], two["finished_at"]) == ("deploy", "testing", None)
    assert (one["metrics"]["duration"], one["metrics"]["instance_id"]) == ("11", "runner-1")
    assert len(one["metrics"]) == 15
    assert {type(value) for value in one["metrics"].values()} == {str}


def test_services_of_the_plan(api, builds_url, make_build, make_step):
    pipelines = [
        {"name": "a", "services": [{"name": "web"}, {"name": "db"}]},
        {"name": "b", "services": [{"name": "db"}]},
    ]
    build = make_build(status="passed", plan={"pipelines": pipelines})
    page = api.get(f"{builds_url}/{build.uuid}/services").json()
    assert [(one["name"], one["status"]) for one in page["services"]] == [("db", "finished"), ("web", "finished")]
    step = make_step(build, service="web")
    told = api.get(f"{builds_url}/{build.uuid}/steps").json()
    assert told["steps"][0]["service_uuid"] == page["services"][1]["uuid"]
    assert (told["total"], told["page"], step.service) == (1, 1, "web")
    assert api.get(f"{builds_url}/{make_build().uuid}/services").json()["services"] == []


def test_a_commit_that_was_built_is_built_again(api, builds_url, make_build):
    first = make_build(commit=COMMIT, author_name="Ada", status="failed")
    asked = json.dumps({"ref": "heads/main", "commit_sha": COMMIT})
    assert api.post(builds_url, asked, content_type="application/json").status_code == 202
    again = Build.objects.order_by("-number").first()
    assert (again.restart_of, again.trigger, again.author_name) == (first, "restart", "Ada")
    other = json.dumps({"ref": "heads/other", "commit_sha": COMMIT})
    api.post(builds_url, other, content_type="application/json")
    assert Build.objects.order_by("-number").first().restart_of is None


def test_insights(api, projects_url, project, make_build, make_job, django_assert_num_queries):
    now = timezone.now()
    for seconds, status in [(10, "passed"), (20, "passed"), (30, "passed"), (40, "failed")]:
        build = make_build(status=status, started_at=now + timedelta(seconds=2))
        Build.objects.filter(pk=build.pk).update(created_at=now, finished_at=now + timedelta(seconds=2 + seconds))
        job = make_job(build, name="unit 1/2", status=status, started_at=now, finished_at=now + timedelta(seconds=5))
        tally = Tally.objects.create(
            job=job, attempt=1, project=project, pipeline="unit", commit="a", passed=1, failed=1, skipped=0, seconds=1
        )
        BadCase.objects.create(tally=tally, position=0, case_id="x", name="test_tax", is_flaky=status == "passed")
    make_build(status="running")
    url = f"{projects_url}/{project.uuid}/insights"
    api.get(url)
    with django_assert_num_queries(6):
        told = api.get(url).json()
    assert (told["builds"], told["success_rate"]) == (4, 0.75)
    assert told["took"] == {"count": 4, "p50": 20.0, "p95": 40.0}
    assert told["waited"]["p95"] == 2.0
    assert told["by_state"] == {"passed": 3, "failed": 1}
    assert [(one["name"], one["runs"], one["failed"]) for one in told["pipelines"]] == [("unit", 4, 1)]
    assert [(case["name"], case["times"]) for case in told["flaky"] + told["failing"]] == [
        ("test_tax", 3),
        ("test_tax", 1),
    ]
    assert api.get(url, {"branch": "other"}).json()["success_rate"] is None
    assert api.get(url, {"days": 0}).status_code == 400
