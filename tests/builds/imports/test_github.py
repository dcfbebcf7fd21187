"""GitHub Actions as ciservice.yml."""

from __future__ import annotations

import pytest

from builds.imports.github import import_github
from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext

CI = """
name: CI
on:
  push:
    branches: [main, 'release/**']
    paths-ignore: ['docs/**']
  pull_request:
env:
  PYTHONUNBUFFERED: "1"
jobs:
  test:
    runs-on: ${{ matrix.os }}
    strategy:
      fail-fast: false
      matrix:
        os: [ubuntu-latest]
        python-version: ["3.11", "3.13"]
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "${{ matrix.python-version }}"}
      - uses: actions/cache@v4
        with:
          path: .cache/pip
          key: pip-${{ runner.os }}-${{ hashFiles('**/requirements.txt', 'setup.cfg') }}
          restore-keys: |
            pip-${{ runner.os }}-
      - name: Install
        run: |
          python -m pip install --upgrade pip
          pip install -r requirements.txt
      - run: pytest --junitxml=report.xml
        working-directory: src
        env: {DATABASE: sqlite, TOKEN: "${{ secrets.API_TOKEN }}"}
      - name: Say it
        if: failure()
        run: ./complain
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: "dist/\\nreport.xml"}
      - uses: codecov/codecov-action@v4
  lint:
    runs-on: ubuntu-latest
    container: python:3.12
    continue-on-error: true
    steps:
      - uses: actions/checkout@v4
      - run: ruff check
  deploy:
    needs: [test, lint]
    if: github.ref == 'refs/heads/main' && github.event_name == 'push'
    runs-on: ubuntu-latest
    environment: production
    steps:
      - run: ./deploy ${{ github.sha }}
"""


def imported(text, path=".github/workflows/ci.yml"):
    return import_github({path: text})


def script(step):
    return step.script.strip("\n")


def planned(text, **context):
    return make({"ciservice.yml": text}, PlanContext(**{"branch": "main", "commit": "0" * 40, **context}))


def test_a_workflow_of_every_day():
    found = imported(CI)
    plan = planned(found.text)
    jobs = {job.name: job for job in plan.pipelines}
    assert list(jobs) == ["test (ubuntu-latest, 3.11)", "test (ubuntu-latest, 3.13)", "lint", "deploy"]
    test, deploy = jobs["test (ubuntu-latest, 3.11)"], jobs["deploy"]
    assert (test.image, test.timeout_seconds, test.environment["PYTHONUNBUFFERED"]) == ("python:3.11", 1200, "1")
    assert [step.name for step in test.steps] == ["Install", 'export TOKEN="${API_TOKEN}"']
    assert script(test.steps[1]) == 'export TOKEN="${API_TOKEN}"\ncd src\npytest --junitxml=report.xml'
    assert test.steps[1].environment == {"DATABASE": "sqlite"}
    assert test.artifacts == ("dist/", "report.xml")
    (cache,) = test.caches
    assert (cache.key, cache.alike) == ("pip-Linux-{{ checksum '**/requirements.txt' 'setup.cfg' }}", ("pip-Linux-",))
    assert (jobs["lint"].image, jobs["lint"].allow_failure) == ("python:3.12", True)
    assert deploy.needs == ("test (ubuntu-latest, 3.11)", "test (ubuntu-latest, 3.13)", "lint")
    assert deploy.steps[0].script == "./deploy $CI_COMMIT_ID"


def test_every_line_that_did_not_come_along_is_noted():
    notes = [str(note) for note in imported(CI).notes]
    for where, text in (
        ("- run: pytest", "`API_TOKEN` has to be set among the project's secrets"),
        ("- name: Say it", "the step `Say it` was left out: `if: failure()`"),
        ("- uses: codecov", "the action codecov/codecov-action was not carried over"),
        ("    needs: [test", "`deploy` runs in ubuntu:24.04"),
    ):
        line = next(number for number, one in enumerate(CI.splitlines(), 1) if where in one)
        assert any(f"ci.yml:{line}: " in note and text in note for note in notes), (line, text, notes)


@pytest.mark.parametrize(
    ("on", "context", "runs"),
    [
        ("push", {}, True),
        ("[push, pull_request]", {"branch": "topic"}, True),
        ("{push: {branches: [main]}}", {"branch": "topic"}, False),
        ("{push: {branches: ['rel/**']}}", {"branch": "rel/a/b"}, True),
        ("{push: {tags: ['v*']}}", {"branch": "v1", "is_tag": True, "event": "tag"}, True),
        ("{push: {tags: ['v*']}}", {}, False),
        ("{push: {paths: ['src/**']}}", {"changed": ("docs/x",)}, False),
        ("{workflow_dispatch: }", {}, False),
        ("{workflow_dispatch: }", {"event": "manual"}, True),
        ("{schedule: [{cron: '0 3 * * *'}]}", {"event": "schedule"}, True),
        ("{schedule: [{cron: '0 3 * * *'}]}", {}, False),
    ],
)
def test_the_pushes_that_it_is_for(on, context, runs):
    text = imported(f"on: {on}\njobs: {{a: {{runs-on: x, steps: [{{run: make}}]}}}}").text
    plan = planned(text + "\n" if text else text, **context)
    assert bool(plan.pipelines) is runs
    assert [one.cron for one in plan.schedules] == (["0 3 * * *"] if "cron" in on else [])


def test_services_stand_beside_a_step_that_does_all():
    found = imported(
        "on: push\njobs:\n  e2e:\n    runs-on: ubuntu-latest\n    container: node:22\n    services:\n"
        "      postgres: {image: 'postgres:16', env: {POSTGRES_PASSWORD: x}, ports: ['5432:5432'], options: --health-cmd y}\n"
        "    steps:\n      - run: npm ci\n      - {run: npm test, env: {A: b}}\n"
    )
    (job,) = planned(found.text).pipelines
    (step,) = job.steps
    assert (step.service, script(step), step.environment) == ("e2e-steps", "npm ci\nnpm test", {"A": "b"})
    assert {service.name: service.image for service in job.services} == {
        "e2e-steps": "node:22",
        "postgres": "postgres:16",
    }
    assert "not by localhost" in str(found.notes[0])


def test_conditions_that_are_not_understood_never_run_by_themselves():
    text = imported(
        "on: push\njobs: {a: {runs-on: x, if: \"contains(github.event.head_commit.message, 'x')\", steps: [{run: b}]}}"
    ).text
    assert planned(text).pipelines == ()
    assert planned(text, event="manual").pipelines != ()


def test_several_workflows_keep_their_names_apart():
    job = "on: push\njobs: {test: {runs-on: x, steps: [{run: a}]}}"
    found = import_github({".github/workflows/b.yml": job, ".github/workflows/a.yml": job})
    assert [one.name for one in planned(found.text).pipelines] == ["a-test", "b-test"]
    assert import_github({".github/workflows/a.yml": job, ".github/workflows/b.yml": job}) == found
