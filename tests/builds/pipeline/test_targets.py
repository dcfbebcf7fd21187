"""`deploy` of a step: a target with its settings, checked where the file says them."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
import yaml

from builds.pipeline.plan import Plan
from builds.pipeline.schema import schema
from runners.contract import StepKind, StepSpec, TargetSpec
from runners.targets import KINDS
from tests.builds.pipeline.helpers import codeship, native, problems

VALIDATOR = jsonschema_rs.Draft202012Validator(schema())
HEROKU = "{heroku: {name: shop}}"


def file(step: str) -> str:
    return f"deployments: {{live: {{branch: main, steps: [{step}]}}}}"


def planned(target: str, more: str = "") -> StepSpec:
    """The step of a target with these settings."""
    return native(file(f"{{deploy: {target}{more}}}")).deployments[0].pipeline.steps[0]


def said(target: str, more: str = "") -> list[str]:
    return problems(native, file(f"{{deploy: {target}{more}}}"))


def test_a_target_needs_its_settings_and_nothing_else() -> None:
    step = planned("{s3: {local_path: public, s3_bucket: shop/www, region: eu-central-1}}")
    settings = {"local_path": "public", "s3_bucket": "shop/www", "region": "eu-central-1"}
    assert step.target == TargetSpec(kind="s3", settings=settings)
    assert (step.name, step.kind, step.line) == ("deploy to s3", StepKind.DEPLOY, 1)


def test_words_keep_their_spelling_and_become_what_is_wanted() -> None:
    step = planned(
        "{docker: {host: ssh://a@b, name: shop, image: x, replicas: 2, keep: '3', stop: , limits: {cpus: 1.50},"
        " environment: {VERSION: 1.10, DEBUG: true, EMPTY: ''}}}"
    )
    assert step.target.settings == {
        "host": "ssh://a@b",
        "name": "shop",
        "image": "x",
        "replicas": 2,
        "keep": 3,
        "limits": {"cpus": 1.5},
        "environment": {"VERSION": "1.10", "DEBUG": "true", "EMPTY": ""},
    }


def test_names_of_secrets_stay_as_they_are() -> None:
    step = planned('{heroku: {name: "shop-${CI_ENVIRONMENT}", api_key: "${HEROKU_API_KEY}"}}')
    assert step.target.settings == {"name": "shop-${CI_ENVIRONMENT}", "api_key": "${HEROKU_API_KEY}"}


def test_what_else_such_a_step_may_say() -> None:
    step = planned(HEROKU, ", name: shop, timeout: 5m, environment: {A: 1}, branch: next, allow_failure: true")
    assert (step.name, step.timeout_seconds, step.environment) == ("shop", 300, {"A": "1"})
    assert (step.skip, step.allow_failure) == ("only for branch next", True)


def test_it_stands_in_groups_in_on_fail_and_in_a_rollback() -> None:
    text = f"""
        deployments:
          live:
            branch: main
            steps:
              - parallel: [{{deploy: {HEROKU}}}, {{run: a, on_fail: [{{deploy: {HEROKU}}}]}}]
            rollback: {{steps: [{{deploy: {HEROKU}}}]}}
    """
    (live,) = native(text).deployments
    first, second = live.pipeline.steps[0].steps
    back = live.rollout.rollback.pipeline.steps
    assert [one.kind for one in (first, *second.on_fail, *back)] == [StepKind.DEPLOY] * 3


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("ssh", ":45: `deploy` needs one target with its settings, such as `deploy: {ssh:"),
        ("{}", "`deploy` needs one target"),
        ("[heroku]", "`deploy` needs one target"),
        ("{heroku: {name: a}, s3: {s3_bucket: abc}}", "`deploy` needs one target"),
        ("{hiroku: {name: a}}", ":54: the target `hiroku` does not exist: did you mean `heroku`?"),
        ("{heroku: shop}", "`heroku` needs a map with its settings"),
        ("{heroku: [shop]}", "`heroku` needs a map with its settings"),
        ("{heroku: }", ":54: `name` of `heroku`: it is needed (The app)"),
        ("{heroku: {nome: a}}", ":63: `heroku` has no setting `nome`: did you mean `name`?"),
        ("{heroku: {name: {a: b}}}", ":63: `name` of `heroku`: it needs a text (The app)"),
        ("{heroku: {name: a, within: soon}}", "`within` of `heroku`: it is not written as it should be (How long"),
        ("{heroku: {name: a, check_url: [b]}}", "`check_url` of `heroku`: it needs true or false, or it needs a text"),
        ("{heroku: {name: a, backup: true}}", "`heroku`: backup: databases are not saved by this target; put a step"),
        ("{s3: {s3_bucket: abc, acl: all}}", "`acl` of `s3`: it is one of '', 'private', 'public-read'"),
        ("{s3: {s3_bucket: abc, cache_control: [b]}}", "it needs a text, or it needs a map"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(target: str, problem: str) -> None:
    found = said(target)
    assert any(problem in one and one.startswith("ciservice.yml:1:") for one in found), found


def test_all_that_is_wrong_is_said_at_once_inside_of_settings_too() -> None:
    found = said(
        "{docker: {host: ssh://a@b, name: x, image: y, replicas: many, volumes: [a], health: {evry: 1s},"
        " proxy: {haproxy: {socket: s}}}}"
    )
    assert [one.split(": ", 1)[1].split(" (")[0] for one in found] == [
        "`replicas` of `docker`: it needs a whole number",
        "`volumes[0]` of `docker`: it is not written as it should be",
        "`docker` has no setting `health.evry`: did you mean `every`?",
        "`proxy.haproxy.backend` of `docker`: it is needed",
    ]


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("{heroku: {name: a, api_key: 0123-4567}}", "${HEROKU_API_KEY}"),
        ("{s3: {s3_bucket: abc, aws_secret_access_key: abc}}", "${AWS_SECRET_ACCESS_KEY}"),
        ("{kubernetes: {deployment: a, image: b, server: https://x, token: abc}}", "${KUBERNETES_TOKEN}"),
    ],
)
def test_a_secret_has_no_place_in_the_file(target: str, named: str) -> None:
    (problem,) = said(target)
    assert "is a secret, and the file is no place for it" in problem
    assert problem.endswith(f"such as {named}")
    assert "abc" not in problem
    assert "0123" not in problem


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (", run: make", "`run` is for run steps, not for deploy steps"),
        (", command: make", "`command` is for run steps, not for deploy steps"),
        (", image: x", "`image` is for run steps, not for deploy steps"),
        (", service: x", "`service` is for run steps, not for deploy steps"),
        (", services: [x]", "`services` is for groups, not for deploy steps"),
        (", retry: 2", "`retry` is for run steps, not for deploy steps"),
        (", dockercfg_service: x", "`dockercfg_service` is for run steps, not for deploy steps"),
        (", image_name: x", "`image_name` is for push steps, not for deploy steps"),
        (", type: push", "`deploy` and `type` exclude each other"),
        (", steps: [a]", "`deploy` and `steps` exclude each other"),
        (", parallel: [a]", "`deploy` and `parallel` exclude each other"),
    ],
)
def test_what_such_a_step_cannot_say(more: str, problem: str) -> None:
    assert any(problem in one for one in said(HEROKU, more))


@pytest.mark.parametrize(
    "text",
    [
        f"steps: [{{deploy: {HEROKU}}}]",
        f"pipelines: {{a: {{steps: [{{serial: [{{deploy: {HEROKU}}}]}}]}}}}",
        f"steps: [{{run: a, on_fail: [{{deploy: {HEROKU}}}]}}]",
        f"deployments: {{a: {{branch: main, steps: [x], verify: {{deploy: {HEROKU}}}}}}}",
    ],
)
def test_only_a_deployment_has_a_release_to_deploy(text: str) -> None:
    (problem,) = problems(native, text)
    assert "a `deploy` step stands among the `steps` of an entry under `deployments`" in problem


def test_codeships_files_do_not_know_it() -> None:
    plan: Plan = codeship(f"- {{service: app, command: ls, deploy: {HEROKU}}}")
    assert [warning.key for warning in plan.warnings] == ["deploy"]
    assert plan.pipelines[0].steps[0].kind is StepKind.RUN


def test_settings_that_unfold_to_too_much_are_not_looked_at() -> None:
    names = ", ".join(f"s{number}" for number in range(90))
    services = "services: {" + ", ".join(f"s{number}: {{image: x}}" for number in range(90)) + "}\n"
    large = "{s3: {s3_bucket: abc, cache_control: {" + ", ".join(f"a{number}: b" for number in range(1000)) + "}}}"
    text = services + file(f"{{services: [{names}], steps: [{{deploy: {large}}}]}}")
    assert "the file unfolds to more than 20000 keys" in problems(native, text)[0]


def test_a_list_with_thousands_of_mistakes_is_told_briefly() -> None:
    found = said("{docker: {volumes: [" + ", ".join(["-"] * 5000) + "]}}")
    assert len(found) <= 50


@pytest.mark.parametrize(
    "step",
    [
        "{deploy: {s3: {s3_bucket: shop, cache_control: {'*.html': no-cache}, delete: true}}, timeout: 5m}",
        "{deploy: {heroku: {name: shop, check_url: true, within: 5m}}}",
        "{deploy: {docker: {host: ssh://a@b, name: x, image: y, replicas: '2', environment: {A: 1}}}}",
        "{deploy: {ssh: {hosts: web.example.com, user: deploy, to: /srv/shop, keep: 3}}}",
    ],
)
def test_editors_take_what_the_reader_takes(step: str) -> None:
    assert native(file(step))
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(file(step)))] == []


@pytest.mark.parametrize(
    "target",
    ["{}", "ssh", "{sssh: {}}", "{heroku: {nome: a}}", "{heroku: {}}", f"{HEROKU[:-1]}, s3: {{s3_bucket: abc}}}}"],
)
def test_editors_refuse_what_the_reader_refuses(target: str) -> None:
    assert said(target)
    assert not VALIDATOR.is_valid(yaml.safe_load(file(f"{{deploy: {target}}}")))


def test_editors_are_told_what_every_setting_is_for() -> None:
    definitions = schema()["$defs"]
    assert json.dumps(definitions).count('"title"') == 0
    for kind in definitions["target"]["properties"]:
        assert kind in KINDS
        for name, setting in definitions[f"target_{kind}"]["properties"].items():
            assert setting.get("description") or "$ref" in setting, (kind, name)
