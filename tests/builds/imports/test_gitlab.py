"""GitLab CI as ciservice.yml."""

from __future__ import annotations

import pytest

from builds.imports.gitlab import import_gitlab
from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext

CI = """
image: python:3.12
stages: [build, test, deploy]
variables:
  PIP_CACHE_DIR: "$CI_PROJECT_DIR/.cache/pip"
  MODE: fast
default:
  before_script: [pip install -r requirements.txt]
  retry: 1
cache:
  key: {files: [requirements.txt], prefix: pip}
  paths: [.cache/pip/]
.base:
  tags: [large]
  variables: {MODE: slow}
compile:
  stage: build
  script: [make, "echo $CI_COMMIT_SHA"]
  artifacts: {paths: [dist/], expire_in: 1 week}
unit:
  extends: .base
  script:
    - !reference [.base, nothing]
    - pytest
  parallel: 3
  timeout: 1h 30m
  retry: {max: 2, when: script_failure}
integration:
  image: {name: "node:22", entrypoint: [""]}
  services: ["postgres:16", {name: "redis:7", alias: cache}]
  script: npm test
  allow_failure: true
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
    - if: $CI_COMMIT_BRANCH == "next"
quick:
  needs: []
  script: [ls]
release:
  stage: deploy
  script: ./release
  only: [tags]
ship:
  stage: deploy
  script: ./ship
  when: manual
  environment: {name: production, url: "https://example.com"}
"""


def planned(text, **context):
    return make({"ciservice.yml": text}, PlanContext(**{"branch": "main", "commit": "0" * 40, **context}))


def test_a_file_of_every_day():
    found = import_gitlab(CI)
    jobs = {job.name: job for job in planned(found.text).pipelines}
    assert list(jobs) == ["compile", "unit 1/3", "unit 2/3", "unit 3/3", "integration", "quick"]
    compiled, unit = jobs["compile"], jobs["unit 1/3"]
    assert compiled.steps[0].script.strip("\n") == (
        'export PIP_CACHE_DIR="/workspace/.cache/pip"\npip install -r requirements.txt\nmake\necho ${CI_COMMIT_ID}'
    )
    assert (compiled.image, compiled.environment, compiled.artifacts) == ("python:3.12", {"MODE": "fast"}, ("dist",))
    assert compiled.caches[0].key == "pip-{{ checksum 'requirements.txt' }}"
    assert (unit.environment["MODE"], unit.labels, unit.timeout_seconds, unit.retries) == ("slow", ("large",), 5400, 2)
    assert (unit.needs, jobs["quick"].needs) == (("compile",), ())
    step = jobs["integration"].steps[0]
    assert (step.service, jobs["integration"].allow_failure) == ("integration-steps", True)
    assert {service.name: service.image for service in jobs["integration"].services} == {
        "integration-steps": "node:22",
        "postgres": "postgres:16",
        "cache": "redis:7",
    }


def test_when_jobs_run():
    text = import_gitlab(CI).text
    assert "integration" not in {job.name for job in planned(text, branch="topic").pipelines}
    assert "release" in {job.name for job in planned(text, branch="v1", is_tag=True, event="tag").pipelines}
    assert "ship" in {job.name for job in planned(text, event="manual").pipelines}


def test_every_line_that_did_not_come_along_is_noted():
    notes = "\n".join(map(str, import_gitlab(CI).notes))
    for text in ("`ship` is started by hand", "`environment` of `ship`", "CI_NODE_INDEX counts from 0"):
        assert text in notes


@pytest.mark.parametrize(
    ("rules", "context", "runs"),
    [
        ("[{if: '$CI_COMMIT_TAG'}]", {"is_tag": True, "branch": "v1"}, True),
        ("[{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'}]", {"branch": "x"}, False),
        ("[{if: '$CI_COMMIT_BRANCH =~ /^rel-/'}]", {"branch": "rel-1"}, True),
        ("[{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]", {}, False),
        ("[{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]", {"event": "schedule"}, True),
        ("[{changes: ['src/**/*']}]", {"changed": ("docs/a",)}, False),
        ("[{if: '$MY_OWN && $X'}]", {}, False),
        ("[{if: '$MY_OWN && $X'}]", {"event": "manual"}, True),
    ],
)
def test_rules(rules, context, runs):
    plan = planned(import_gitlab(f"a: {{script: x, rules: {rules}}}\nb: {{script: y}}").text, **context)
    assert ("a" in {job.name for job in plan.pipelines}) is runs


def test_what_extends_itself_ends():
    assert "a:" in import_gitlab("a: {extends: a, script: x}\nb: {extends: .gone, script: y}").text
