"""Push steps, credentials, on_fail and manual groups: from the text to what the engine gets."""

from __future__ import annotations

import pytest

from runners.contract import PushSpec, StepKind
from tests.builds.pipeline.helpers import COMMIT, codeship, native, problems

SERVICES = "app: {build: .}\ndb: {image: y}\ngen: {image: z}"


def steps(text: str, branch: str = "main"):
    return codeship(text, SERVICES, branch).pipelines[0].steps


def test_a_push_step() -> None:
    (step,) = steps(
        """
        - name: send
          type: push
          service: app
          image_name: "shop/app "
          image_tag: "{{ .Branch }}-{{ printf `%.7s` .CommitID }}"
          registry: https://index.docker.io/v1/
          encrypted_dockercfg_path: ci/../dockercfg.encrypted
    """,
        "feature/x",
    )
    assert (step.name, step.kind, step.service, step.command) == ("send", StepKind.PUSH, "app", None)
    assert step.push == PushSpec(
        image_name="shop/app", image_tag=f"featurex-{COMMIT[:7]}", registry="https://index.docker.io/v1/"
    )
    assert (step.encrypted_dockercfg_path, step.dockercfg_service) == ("dockercfg.encrypted", "")


@pytest.mark.parametrize(("tag", "read"), [("18.04", "18.04"), ("9.60", "9.60"), ("", ""), ("'{{.Ci}}'", "true")])
def test_a_tag_keeps_its_spelling(tag: str, read: str) -> None:
    (step,) = steps(f"- {{type: push, service: app, image_name: x, image_tag: {tag}}}")
    assert step.push == PushSpec(image_name="x", image_tag=read)


def test_a_branch_of_which_no_tag_is_left_fails_the_push_alone() -> None:
    pushed, other = steps(
        "- {type: push, service: app, image_name: x, image_tag: '{{ .Branch }}'}\n- {service: app, command: a}", "ветка"
    )
    assert pushed.refused.startswith("`image_tag`: nothing is left for the tag")
    assert other.refused == ""


def test_pushes_side_by_side_name_their_services_and_inherit_credentials() -> None:
    text = """
        - type: parallel
          dockercfg_service: gen
          steps:
            - {type: push, service: app, image_name: one}
            - {type: push, service: db, image_name: two, encrypted_dockercfg_path: cfg}
            - {service: db, command: ls, dockercfg_service: app}
    """
    (group,) = steps(text)
    found = [(step.service, step.encrypted_dockercfg_path, step.dockercfg_service) for step in group.steps]
    assert found == [("app", "", "gen"), ("db", "cfg", ""), ("db", "", "app")]
    needed = {service.name for service in codeship(text, SERVICES).pipelines[0].services}
    assert needed == {"app", "db", "gen"}


def test_credentials_of_services_bring_their_service_along() -> None:
    services = (
        "app: {image: x, dockercfg_service: gen}\ngen: {image: z, links: [db]}\ndb: {image: y}\nother: {image: o}"
    )
    plan = codeship("- {service: app, command: ls}", services)
    assert [service.name for service in plan.pipelines[0].services] == ["app", "gen", "db"]


def test_a_path_of_credentials_that_leads_out_is_left_to_the_step_that_needs_it() -> None:
    (step, _) = steps("- {service: app, command: ls, encrypted_dockercfg_path: ../x}\n- {service: db, command: ls}")
    assert step.encrypted_dockercfg_path == "../x"
    text = "steps: [{run: ls, encrypted_dockercfg_path: /x}]"
    assert "`/x` is a path of the host" in problems(native, text)[0]


def test_on_fail_runs_in_the_steps_service_and_inherits_from_its_group() -> None:
    (group,) = steps("""
        - type: serial
          service: db
          encrypted_dockercfg_path: cfg
          on_fail: [{command: tell all}]
          steps:
            - {service: app, command: test, on_fail: [{command: tell}, {service: gen, command: dump, tag: elsewhere}]}
    """)
    (step,) = group.steps
    assert [(one.service, one.command, one.skip) for one in step.on_fail] == [
        ("app", ("tell",), ""),
        ("gen", ("dump",), "only for elsewhere"),
    ]
    assert [(one.service, one.encrypted_dockercfg_path) for one in group.on_fail] == [("db", "cfg")]


def test_on_fail_of_a_step_that_is_left_out_needs_nothing() -> None:
    plan = codeship("- {service: app, command: a, tag: x, on_fail: [{service: db, command: b}]}", SERVICES)
    (step,) = plan.pipelines[0].steps
    assert step.on_fail[0].skip == "only for x"
    assert plan.pipelines[0].services == ()


def test_a_manual_group_is_the_last_of_its_branch() -> None:
    text = """
        - {service: app, command: test}
        - {type: manual, exclude: master, service: app, steps: [{command: preview}]}
        - {type: serial, tag: master, service: app, steps: [{command: build}]}
        - {type: manual, tag: master, service: app, steps: [{command: deploy}]}
    """
    for branch, runs in (("master", [True, False, True, True]), ("dev", [True, True, False, False])):
        found = steps(text, branch)
        assert [not step.skip for step in found] == runs
        assert [step.is_manual for step in found] == [False, True, False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- {type: manual, service: app, steps: [{command: a}]}\n- {service: app, command: b}",
            "codeship-steps.yml:2: the step follows the `manual` group of line 1",
        ),
        (
            "- {type: manual, service: app, steps: [{command: a}]}\n- {type: manual, service: app, steps: [{command: a}]}",
            "codeship-steps.yml:2: the step follows the `manual` group of line 1",
        ),
        (
            "- {type: serial, service: app, steps: [{type: manual, steps: [{command: a}]}]}",
            "a `manual` group cannot stand in another group",
        ),
        (
            "- {service: app, command: x, on_fail: [{type: manual, steps: [{command: a}]}]}",
            "a `manual` group cannot stand in another group",
        ),
    ],
)
def test_a_manual_group_elsewhere_is_an_error(text: str, said: str) -> None:
    (problem,) = problems(codeship, text, SERVICES)
    assert problem.startswith(said) or said in problem


def test_ours_has_the_same_steps() -> None:
    text = """
services: {app: {build: .}}
steps:
  - {run: make, on_fail: [{run: make report}]}
  - {type: push, service: app, image_name: shop/app, image_tag: "{{ .Branch }}", timeout: 5m}
  - {type: manual, steps: [./deploy]}
"""
    run, push, manual = native(text).pipelines[0].steps
    assert (run.on_fail[0].script, push.push, push.timeout_seconds) == (
        "make report",
        PushSpec(image_name="shop/app", image_tag="main"),
        300,
    )
    assert manual.is_manual
