"""Run again exactly as then, and what a build ran with, over the API."""

from __future__ import annotations

import json

import pytest

from builds.models import Build, Job

RECORD = {
    "commit": "a" * 40,
    "variables": {"CI": "true"},
    "secrets": {"keyed_by": "0" * 8, "hashes": {"TOKEN": "5ec3e7" * 5}},
    "images": {"python:3.12": f"python@sha256:{'a' * 64}"},
    "caches": {"restored": {}, "saved": []},
    "artifacts": [],
    "limits": {"timeout_seconds": 60, "silence_seconds": 60},
    "default_image": "",
    "runner": {"ciservice": "0.1", "executor": "docker", "engine": "20.10", "git": "2.39"},
}


@pytest.fixture
def ended(make_build, organization) -> Build:
    """A build that passed, with one job and its record."""
    build = make_build(status="passed", plan={"source": "ciservice.yml", "pipelines": []})
    spec = {"name": "test", "steps": []}
    Job.objects.create(
        build=build, organization=organization, name="test", spec=spec, attempt=1, status="passed", record=RECORD
    )
    return build


def restart(api, builds_url, build, body=None):
    text = "" if body is None else json.dumps(body)
    return api.post(f"{builds_url}/{build.uuid}/restart", text, content_type="application/json")


def test_exactly_as_then(api, builds_url, ended):
    answer = restart(api, builds_url, ended, {"exactly": True})
    again = Build.objects.get(number=2)
    assert (answer.status_code, answer.json()["build"]["uuid"]) == (202, str(again.uuid))
    assert again.exactly
    assert again.jobs.get().spec["images"] == RECORD["images"]


@pytest.mark.parametrize("body", [None, {}, {"exactly": False}])
def test_with_todays_settings_where_nothing_else_is_asked(api, builds_url, ended, body):
    assert restart(api, builds_url, ended, body).status_code == 202
    assert not Build.objects.get(number=2).exactly


def test_what_is_not_known_cannot_be_run_again_exactly(api, builds_url, ended):
    Job.objects.update(record=None)
    answer = restart(api, builds_url, ended, {"exactly": True})
    assert answer.status_code == 400
    assert "it ran before this instance kept such records" in answer.json()["errors"][0]
    assert Build.objects.count() == 1


def test_the_record_names_secrets_and_shows_no_hash(api, builds_url, ended):
    answer = api.get(f"{builds_url}/{ended.uuid}/record")
    [job] = answer.json()["jobs"]
    assert (job["pipeline"], job["attempt"], job["state"]) == ("test", 1, "passed")
    assert job["record"] == {**RECORD, "secrets": ["TOKEN"]}
    assert "5ec3e7" not in answer.content.decode()
