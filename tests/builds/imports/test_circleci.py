"""CircleCI as ciservice.yml."""

from __future__ import annotations

from builds.imports.circleci import import_circleci
from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext

CI = """
version: 2.1
orbs: {node: circleci/node@5}
executors:
  py: {docker: [{image: "cimg/python:3.12", environment: {A: "1"}}]}
commands:
  greet:
    parameters: {who: {type: string, default: world}}
    steps: [{run: "echo hello << parameters.who >>"}]
jobs:
  build:
    executor: py
    working_directory: ~/project/app
    steps:
      - checkout
      - restore_cache: {keys: ['v1-{{ checksum "req.txt" }}', v1-]}
      - run: {name: Install, command: "pip install -r req.txt\\npip check"}
      - save_cache: {key: 'v1-{{ checksum "req.txt" }}', paths: [.venv]}
      - greet: {who: me}
      - node/install
      - persist_to_workspace: {root: ., paths: [dist]}
      - store_artifacts: {path: /tmp/elsewhere}
  test:
    parameters: {version: {type: string, default: "3.11"}}
    docker:
      - image: cimg/python:<< parameters.version >>
      - image: postgres:16
        environment: {POSTGRES_USER: x}
    parallelism: 2
    steps: [checkout, attach_workspace: {at: .}, run: "pytest $CIRCLE_BRANCH", store_test_results: {path: reports}]
  deploy: {machine: true, steps: [run: ./deploy]}
workflows:
  main:
    jobs:
      - build: {context: aws}
      - test: {requires: [build], matrix: {parameters: {version: ["3.11", "3.13"]}}}
      - hold: {type: approval, requires: [test]}
      - deploy: {requires: [test], filters: {branches: {only: [main, /rel-.*/]}}}
      - node/test
  nightly:
    triggers: [{schedule: {cron: "0 1 * * *", filters: {branches: {only: main}}}}]
    jobs: [build]
"""


def planned(text, **context):
    return make({"ciservice.yml": text}, PlanContext(**{"branch": "main", "commit": "0" * 40, **context}))


def test_a_file_of_every_day():
    found = import_circleci(CI)
    plan = planned(found.text)
    jobs = {job.name: job for job in plan.pipelines}
    assert list(jobs) == ["build", "test (3.11) 1/2", "test (3.11) 2/2", "test (3.13) 1/2", "test (3.13) 2/2", "deploy"]
    build, test = jobs["build"], jobs["test (3.13) 1/2"]
    assert (build.image, build.environment, build.artifacts) == ("cimg/python:3.12", {"A": "1"}, ("dist",))
    assert [step.script.strip("\n") for step in build.steps] == [
        "cd app\npip install -r req.txt\npip check",
        "cd app\necho hello me",
    ]
    (cache,) = build.caches
    assert (cache.key, cache.paths, cache.alike) == ("v1-{{ checksum 'req.txt' }}", (".venv",), ("v1-",))
    assert test.steps[0].script == "pytest ${CI_BRANCH}"
    assert {service.name: service.image for service in test.services} == {
        "test-steps": "cimg/python:3.11",
        "postgres": "postgres:16",
    }
    assert jobs["deploy"].needs == ("test (3.11) 1/2", "test (3.11) 2/2", "test (3.13) 1/2", "test (3.13) 2/2")
    assert [(one.cron, one.pipelines) for one in plan.schedules] == [("0 1 * * *", ("build",))]


def test_branches():
    text = import_circleci(CI).text
    assert "deploy" in {job.name for job in planned(text, branch="rel-1").pipelines}
    assert "deploy" not in {job.name for job in planned(text, branch="topic").pipelines}


def test_every_line_that_did_not_come_along_is_noted():
    notes = "\n".join(map(str, import_circleci(CI).notes))
    for text in (
        "circleci/config.yml:3: `orbs` was not carried over",
        "the step `node/install` was not carried over",
        "the approval `hold`",
        "`node/test` comes from an orb",
        "contexts of `build`",
        "`machine` of `deploy`",
    ):
        assert text in notes, notes
