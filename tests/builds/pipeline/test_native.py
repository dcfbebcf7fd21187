"""ciservice.yml: its pipelines, steps and services, and that every mistake is named with its place and remedy."""

from __future__ import annotations

import pytest

from builds.pipeline.plan import ConfigError
from runners.contract import StepKind
from tests.builds.pipeline.helpers import native, problems, tree, warnings


def pipeline(text: str, **facts: object):
    (found,) = native(text, **facts).pipelines
    return found


def step(text: str, **facts: object):
    (found,) = pipeline(f"services: {{app: {{image: x}}}}\nsteps:\n- {text}", **facts).steps
    return found


def test_the_smallest_file() -> None:
    found = pipeline("steps: [make]")
    assert (found.name, found.image, found.services, tree(found.steps)) == ("main", "", (), ["make"])
    assert (found.steps[0].service, found.steps[0].image, found.steps[0].command) == ("", "", None)


def test_a_script_keeps_its_lines() -> None:
    assert step("run: |\n    pip install ruff\n\n    ruff check\n").script == "pip install ruff\n\nruff check\n"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("{run: make, name: Build it}", "name", "Build it"),
        ('{run: "# first\\n\\nmake all  \\nmake x"}', "name", "make all"),
        ("{command: ./deploy --to x}", "command", ("./deploy", "--to", "x")),
        ("{command: [a, b c]}", "command", ("a", "b c")),
        ("{run: make, service: app}", "service", "app"),
        ("{run: make, image: 'python:3.12'}", "image", "python:3.12"),
        ("{run: make, environment: {A: yes, B: 1.10}}", "environment", {"A": "yes", "B": "1.10"}),
        ("{run: make, environment: [A=1]}", "environment", {"A": "1"}),
        ("{run: make, timeout: 90s}", "timeout_seconds", 90),
        ("{run: make, timeout: 3m}", "timeout_seconds", 180),
        ("{run: make, timeout: 1h30m}", "timeout_seconds", 5400),
        ("{run: make, timeout: 24h}", "timeout_seconds", 86400),
        ("{run: make}", "timeout_seconds", None),
        ("{run: make, tag: main}", "skip", ""),
        ("{run: make, tag: dev}", "skip", "only for dev"),
        ("{run: make, exclude: main}", "skip", "not for main"),
        ("{run: make, branch: [dev, 'ma*']}", "skip", ""),
        ("{run: make, branch: [dev, 'release/*']}", "skip", "only for branch dev, release/*"),
    ],
)
def test_a_step(text: str, field: str, value: object) -> None:
    assert getattr(step(text), field) == value


def test_a_tag_is_no_branch_whatever_it_is_called() -> None:
    assert step("{run: make, branch: main}", is_tag=True).skip == "only for branch main"
    assert step("{run: make, tag: main}", is_tag=True).skip == ""


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("{parallel: [a, b]}", [("parallel", ["a", "b"])]),
        ("{serial: [a, {parallel: [b, {run: c}]}]}", [("serial", ["a", ("parallel", ["b", "c"])])]),
        ("{type: parallel, steps: [a, b]}", [("parallel", ["a", "b"])]),
        ("{type: matrix, services: [app], steps: [a]}", [("parallel", [("serial", ["a"])])]),
        ("{parallel: [a], branch: dev}", [[("parallel", [["a"]])]]),
    ],
)
def test_groups(text: str, shape: list) -> None:
    assert tree([step(text)]) == shape


def test_groups_hand_down_service_and_environment_and_an_image_of_ones_own_leaves_the_service() -> None:
    group = step(
        "{service: app, environment: {A: 1, B: 1}, parallel: [a, {run: b, environment: {B: 2}}, {run: c, image: y}]}"
    )
    assert [(inner.service, inner.image, inner.environment) for inner in group.steps] == [
        ("app", "", {"A": "1", "B": "1"}),
        ("app", "", {"A": "1", "B": "2"}),
        ("", "y", {"A": "1", "B": "1"}),
    ]
    assert group.kind is StepKind.PARALLEL


def test_pipelines_become_jobs_with_the_services_they_need() -> None:
    plan = native("""
        services:
          app: {build: ., depends_on: [db]}
          db: {image: postgres}
        image: base
        environment: {A: 1, B: 1}
        labels: large
        timeout: 10m
        pipelines:
          unit: {steps: [{service: app, command: pytest}], environment: {B: 2}}
          lint: {image: python, labels: [arm, amd], timeout: 1m, steps: [ruff check]}
    """)
    unit, lint = plan.pipelines
    assert (unit.name, unit.image, unit.environment, unit.labels, unit.timeout_seconds) == (
        "unit",
        "base",
        {"A": "1", "B": "2"},
        ("large",),
        600,
    )
    assert (lint.name, lint.image, lint.labels, lint.timeout_seconds) == ("lint", "python", ("amd", "arm"), 60)
    assert [service.name for service in unit.services] == ["app", "db"]
    assert lint.services == ()


def test_a_file_may_only_deploy() -> None:
    plan = native("deployments: {live: {branch: main, steps: [./deploy]}}")
    assert plan.pipelines == ()
    assert plan.deployments[0].applies


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ciservice.yml: the file needs a map"),
        ("- make", "ciservice.yml:1:1: the file needs a map"),
        ("image: x", "there is nothing to run: add `steps` or `pipelines`"),
        ("steps: [a]\npipelines: {x: {steps: [a]}}", "ciservice.yml:2:1: `steps` and `pipelines` exclude each other"),
        ("stesp: [a]\nsteps: [a]", "ciservice.yml:1:1: unknown key `stesp`: did you mean `steps`?"),
        ("steps: [a]\nzzz: 1", "unknown key `zzz`: known here: allow_failure, artifacts, budget, cache"),
        ("steps: [a]\nsteps: [b]", "ciservice.yml:2:1: `steps` is given twice, first in line 1"),
        ("steps: [a]\n---\nsteps: [b]", "only the first document of the file is read"),
        ("steps: []", "`steps` is an empty list"),
        ("steps: make", "`steps` needs a list of steps"),
        ("steps: ", "`steps` needs a list of steps"),
        ("pipelines: [a]", "`pipelines` needs a map by name"),
        ("pipelines: {}", "`pipelines` needs a map by name"),
        ("pipelines: {a: [x]}", "`a` needs a map with `steps`"),
        ("pipelines: {a: {image: x}}", "ciservice.yml:1:16: `a` needs `steps`"),
        ("pipelines: {a: {steps: [x], imge: y}}", "unknown key `imge`: did you mean `image`?"),
        ("pipelines: {'': {steps: [x]}}", "a name under `pipelines` has 1 to 100 printable characters"),
        ('pipelines: {"a\\nb": {steps: [x]}}', "a name under `pipelines` has 1 to 100 printable characters"),
        ("steps: [{rum: x}]", "unknown key `rum`: did you mean `run`?"),
        (
            "steps: [{name: x}]",
            "ciservice.yml:1:9: the step has nothing to run: it needs `run`, `commands` or `command`",
        ),
        ("steps: [{run: '  '}]", "the step has nothing to run"),
        ("steps: ['']", "the step has nothing to run"),
        ("steps: [{run: a, command: b}]", "`run` and `command` exclude each other"),
        ("steps: [{commands: [a], command: b}]", "`command` and `commands` exclude each other"),
        ("steps: [{commands: []}]", "the step has nothing to run"),
        ("steps: [{parallel: [a], commands: [a]}]", "`commands`"),
        ("steps: [{run: [a, b]}]", "`run` needs a text, not a list"),
        ("steps: [{run: a, service: app}]", "the service `app` does not exist: none is defined"),
        (
            "services: {app: {image: x}}\nsteps: [{run: a, service: app, image: y}]",
            "`image` and `service` exclude each other",
        ),
        ("steps: [{parallel: [a], serial: [b]}]", "`serial` and `parallel` exclude each other"),
        ("steps: [{parallel: [a], timeout: 3m}]", "`timeout` is for run steps, not for groups"),
        ("steps: [{parallel: [a], run: b}]", "`run` is for run steps, not for groups"),
        ("steps: [{steps: [a], image: b}]", "`image` is for run steps, not for groups"),
        ("steps: [{type: serial, parallel: [a]}]", "`type: serial` is a group and needs `steps`"),
        ("steps: [{type: run, parallel: [a]}]", "`type: run` is no group and cannot have `parallel`"),
        (
            "services: {app: {image: x}}\nsteps: [{run: a, services: [app]}]",
            "`services` is for groups, not for run steps",
        ),
        ("steps: [{run: a, type: push}]", "`run` is for run steps, not for push steps"),
        ("steps: [{run: a, image_name: x}]", "`image_name` is for push steps, not for run steps"),
        ("steps: [{type: manual, steps: [a]}, b]", "the step follows the `manual` group of line 1"),
        ("steps: [{serial: [{type: manual, steps: [a]}]}]", "cannot stand in another group"),
        (
            "deployments: {a: {branch: main, steps: [{type: manual, steps: [a]}]}}",
            "a deployment's steps have no `manual` group",
        ),
        ("steps: [{run: a, branch: '^('}]", "`branch`: not a regular expression"),
        ("steps: [{run: a, branch: " + "x" * 201 + "}]", "`branch`: the pattern is longer than 200 characters"),
        ("steps: [a]\ntimeout: 3", "ciservice.yml:2:10: `timeout` needs a duration such as 90s, 3m or 1h30m"),
        ("steps: [a]\ntimeout: 0s", "needs a duration"),
        ("steps: [a]\ntimeout: 25h", "at most 24h"),
        ("steps: [a]\ntimeout: 99999999999999999999h", "needs a duration"),
        ("steps: [a]\nlabels: 'a,b'", "`labels` are at most"),
        ("steps: [a]\nservices: {}", "`services` needs a map by name"),
        ("steps: [a]\nservices: {app: {}}", "the service `app` has neither `image` nor `build`"),
        ("steps: [a]\nservices: {app: {image: x, links: [b]}}", "the service `app` needs `b`, which does not exist"),
        ("steps: [a]\nservices: {app: {imag: x}}", "unknown key `imag`: did you mean `image`?"),
        ("steps: [a]\nservices: {app: {image: x, image: y}}", "`image` is given twice"),
    ],
)
def test_what_is_wrong(text: str, said: str) -> None:
    assert any(said in problem for problem in problems(native, text)), problems(native, text)


@pytest.mark.parametrize(
    "keys",
    [
        "privileged: true",
        "network_mode: host",
        "pid: host",
        "ipc: host",
        "userns_mode: host",
        "devices: [/dev/kvm]",
        "cap_add: [SYS_ADMIN]",
        "security_opt: ['seccomp:unconfined']",
        "sysctls: {a: 1}",
        "volumes: ['/:/host']",
        "volumes: ['/var/run/docker.sock:/var/run/docker.sock']",
        "volumes: ['../x:/x']",
        "extra_hosts: ['h:host-gateway']",
        "env_file: /etc/passwd",
        "env_file: ../secrets",
    ],
)
def test_what_would_open_the_machine_is_refused(keys: str) -> None:
    (problem,) = problems(native, f"steps: [a]\nservices: {{app: {{image: x, {keys}}}}}")
    assert problem.startswith("ciservice.yml:2:")


@pytest.mark.parametrize(
    "text",
    [
        *(f"pipelines: {{a: {{steps: [x], {key}: 1}}}}" for key in ("services", "concurrency")),
        *(f"steps: [{{run: a, {key}: 1}}]" for key in ("needs", "parallelism", "matrix")),
        *(f"deployments: {{a: {{branch: main, steps: [x], {key}: 1}}}}" for key in ("when", "needs", "services")),
        "steps: [a]\nservices: {app: {image: x, mem_limit: y}}",
    ],
)
def test_what_comes_later_and_matters_is_an_error(text: str) -> None:
    (problem,) = problems(native, text)
    assert "is not supported by this version yet: remove it to run without" in problem


@pytest.mark.parametrize("key", ["budget"])
def test_what_comes_later_and_is_harmless_is_a_warning(key: str) -> None:
    (warning,) = warnings(native(f"pipelines: {{a: {{steps: [x], {key}: 1}}}}"))
    assert warning == f"ciservice.yml:1:29: `{key}` is not supported by this version yet and is ignored"


@pytest.mark.parametrize("text", ["steps: [x]\nbudget: 3m", "pipelines: {a: {steps: [x]}}\nbudget: 180s"])
def test_a_build_may_have_a_budget_of_time(text: str) -> None:
    assert native(text).budget_seconds == 180
    assert native("steps: [x]").budget_seconds == 0


def test_what_codeship_ignored_has_no_effect_and_says_so() -> None:
    (warning,) = warnings(native("steps: [a]\nservices: {app: {image: x, ports: ['80:80']}}"))
    assert "`ports` has no effect here" in warning


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = """
steps: [{rum: a}]
imige: x
deployments: {live: {steps: [b]}}
services: {app: {privileged: yes}}
"""
    found = [problem.split(": ")[0] for problem in problems(native, text)]
    assert found == [f"ciservice.yml:{place}" for place in ("2:9", "2:10", "3:1", "4:21", "5:12", "5:18")]


def test_no_more_problems_than_anybody_reads() -> None:
    text = "steps: [a]\n" + "".join(f"key{number}: 1\n" for number in range(1000))
    assert len(problems(native, text)) == 50


def test_too_many_pipelines() -> None:
    text = "pipelines:\n" + "".join(f"  p{number}: {{steps: [a]}}\n" for number in range(51))
    assert "more than 50 pipelines" in problems(native, text)[0]


def test_services_that_fifty_pipelines_repeat_are_weighed() -> None:
    text = f"services: {{app: {{image: x, environment: {{A: {'x' * 150_000}}}}}}}\npipelines:\n"
    many = "".join(f"  p{number}: {{steps: [{{service: app, run: a}}]}}\n" for number in range(40))
    with pytest.raises(ConfigError, match="services amount to more than"):
        native(text + many)
