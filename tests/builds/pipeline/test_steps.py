"""The tree of CodeShip's steps: groups, copies, what they inherit, what is left out, and names."""

from __future__ import annotations

import pytest

from builds.pipeline.plan import ConfigError
from tests.builds.pipeline.helpers import codeship, problems, tree, warnings

SERVICES = "app: {image: busybox}\ndb: {image: postgres}"


def steps_of(text: str, branch: str = "main", **facts: object):
    return codeship(text, SERVICES, branch, **facts).pipelines[0].steps


def wrong(text: str) -> list[str]:
    return problems(codeship, text, SERVICES)


def services_of(steps) -> list[str]:
    """The services of the run steps in order of reading."""
    return [name for step in steps for name in (services_of(step.steps) if step.steps else [step.service])]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("- {service: app, command: ls}", ["ls"]),
        ("- {service: app, type: run, command: ls}", ["ls"]),
        ("- {service: app, command: true}", ["true"]),
        ("- {service: app, command: 10.10}", ["10.10"]),
        ("- {service: app, command: [sh, -c, x]}", ["sh -c x"]),
        ("- {type: parallel, service: app, steps: [{command: a}, {command: b}]}", [("parallel", ["a", "b"])]),
        (
            "- type: serial\n  service: app\n  steps:\n  - type: parallel\n    steps: [{command: a}, {command: b}]\n  - command: c",
            [("serial", [("parallel", ["a", "b"]), "c"])],
        ),
        ("- {service: app, steps: [{command: a}]}", [("serial", ["a"])]),
        (
            "- {type: matrix, services: [app, db], steps: [{command: env}]}",
            [("parallel", [("serial", ["env"]), ("serial", ["env"])])],
        ),
        (
            "- {type: serial, services: [app, db], steps: [{command: a}, {command: b}]}",
            [("serial", [("serial", ["a", "b"]), ("serial", ["a", "b"])])],
        ),
        (
            "- {type: matrix, services: [app], steps: [{type: parallel, steps: [{command: a}, {type: serial, steps: [{command: b}]}]}]}",
            [("parallel", [("serial", [("parallel", ["a", ("serial", ["b"])])])])],
        ),
        ("- {type: parallel, service: app, services: , steps: [{command: a}]}", [("parallel", ["a"])]),
    ],
)
def test_shapes(text: str, shape: list) -> None:
    assert tree(steps_of(text)) == shape


def test_the_service_is_inherited_through_any_depth_and_the_inner_one_wins() -> None:
    text = """
        - type: serial
          service: app
          steps:
            - type: parallel
              steps:
                - type: serial
                  steps: [{command: a}]
                - {command: b, service: db}
        - type: matrix
          services: [app, db]
          steps:
            - type: parallel
              steps: [{command: a}, {command: b, service: app}]
    """
    assert services_of(steps_of(text)) == ["app", "db", "app", "app", "db", "app"]


def test_copies_of_a_group_are_called_after_their_services() -> None:
    (group,) = steps_of("- {type: matrix, services: [app, db], steps: [{command: env}]}")
    assert [copy.name for copy in group.steps] == ["app", "db"]


@pytest.mark.parametrize(
    ("branch", "shape"),
    [
        ("main", [("serial", ["a", ["b"]]), "c"]),
        ("dev", [[("serial", [["a"], ["b"]])], ["c"]]),
        ("release", [("serial", [["a"], "b"]), "c"]),
    ],
)
def test_filters_narrow_each_other(branch: str, shape: list) -> None:
    text = """
        - type: serial
          service: app
          tag: ^(main|release)$
          steps: [{command: a, tag: main}, {command: b, tag: release}]
        - {service: app, command: c, exclude: dev}
    """
    assert tree(steps_of(text, branch)) == shape


@pytest.mark.parametrize(
    ("keys", "branch", "skip"),
    [
        ("tag: master", "master", ""),
        ("tag: master", "main", "only for master"),
        ("exclude: main", "main", "not for main"),
        ("tag: main, exclude: ^ma", "main", "not for ^ma"),
        ("tag: '('", "main", "only for ("),
        ("tag: 1.10", "1.10", ""),
        ("tag: 1.10", "1.1", "only for 1.10"),
        ("tag: , exclude: ", "main", ""),
    ],
)
def test_a_step_says_why_it_is_left_out(keys: str, branch: str, skip: str) -> None:
    (step,) = steps_of(f"- {{service: app, command: ls, {keys}}}", branch)
    assert step.skip == skip


def test_a_group_without_a_step_for_the_branch_is_left_out() -> None:
    text = (
        "- {type: serial, service: app, steps: [{command: a, tag: x}, {type: parallel, steps: [{command: b, tag: y}]}]}"
    )
    (group,) = steps_of(text)
    assert group.skip == "none of its steps is for this branch"
    assert group.steps[1].skip == "none of its steps is for this branch"
    assert steps_of(text, "z", is_tag=True)[0].skip == "none of its steps is for this tag"


def test_a_build_may_leave_everything_out() -> None:
    plan = codeship("- {service: app, command: ls, tag: elsewhere}", SERVICES)
    assert plan.pipelines[0].services == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("- {service: app, command: ls, name: 01}", "01"),
        ("- {service: app, command: './check.sh   --all'}", "./check.sh --all"),
        ("- {service: app, command: 'sh -c \"a && b\"'}", 'sh -c "a && b"'),
        ("- {service: app, command: [a, b c]}", "a b c"),
        ("- {service: app, command: \"sh -c 'a\\nb'\"}", "sh -c 'a b'"),
        ("- {service: app, steps: [{command: a}], type: parallel}", "parallel"),
        ("- {service: app, type: push, tag: x, image_name: shop/app}", "push shop/app"),
        ("- {service: app, type: push, tag: x}", "push app"),
        ('- {service: app, command: ls, name: "a\\x1b[31m\\u202eb\\nc"}', "a [31m b c"),
        (f"- {{service: app, command: ls, name: {'x' * 500}}}", "x" * 119 + "…"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert steps_of(text)[0].name == name


def test_names_may_repeat() -> None:
    assert [step.name for step in steps_of("- &s {name: a, service: app, command: ls}\n- *s")] == ["a", "a"]


def test_steps_know_their_line() -> None:
    steps = steps_of("# comment\n- service: app\n  command: a\n\n- service: app\n  command: b\n")
    assert [step.line for step in steps] == [2, 5]


def test_twenty_five_at_once() -> None:
    (group,) = steps_of(
        "- type: parallel\n  steps:\n" + "".join(f"  - {{service: app, command: echo {n}}}\n" for n in range(25))
    )
    assert len(group.steps) == 25


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("steps: []", "codeship-steps.yml:1:1: `steps` needs a list of steps"),
        ("[]", "`steps` is an empty list"),
        ("- ls", "codeship-steps.yml:1:3: a step needs a map"),
        ("- ", "a step needs a map"),
        ("- [{service: app}]", "a step needs a map"),
        ("- {service: app}", "the step has nothing to run: it needs `command`"),
        ("- {service: app, command: }", "the step has nothing to run"),
        ("- {service: app, command: ''}", "the step has nothing to run"),
        ("- {command: ls}", "names no `service`, and no group around it does"),
        (
            "- {service: ap, command: ls}",
            "codeship-steps.yml:1:4: the service `ap` does not exist: did you mean `app`?",
        ),
        ("- {service: ap, command: ls, tag: elsewhere}", "the service `ap` does not exist"),
        ("- {type: serial, service: ap, steps: [{command: ls}]}", "the service `ap` does not exist"),
        ("- {type: matrix, services: [app, ap], steps: [{command: ls}]}", "the service `ap` does not exist"),
        (
            "- {type: serial, service: app, services: [db], steps: [{command: a}]}",
            "`service` and `services` exclude each other",
        ),
        (
            "- {type: paralel, service: app, steps: [{command: a}]}",
            "the type `paralel` is not known: did you mean `parallel`?",
        ),
        ("- {type: serial, service: app, command: a}", "`type: serial` is a group and needs `steps`"),
        ("- {type: run, service: app, steps: [{command: a}]}", "`type: run` is no group"),
        ("- {type: serial, service: app, steps: []}", "`steps` is an empty list"),
        ("- {type: serial, service: app, steps: {command: a}}", "`steps` needs a list of steps"),
        ('- {service: app, command: "sh -c \'x"}', "codeship-steps.yml:1:27: `command`: the quote ' is opened"),
        ("- {service: app, command: {a: b}}", "`command` needs a text, not a map"),
        ("- {service: [app], command: a}", "`service` needs a text, not a list"),
        ("- {service: app, command: " + "x" * 70_000 + "}", "`command` is longer than 65536 characters"),
        ("- {service: app, type: push}", "`type: push` needs `image_name`"),
        ("- {service: app, type: push, image_name: a b}", "`a b` is not the name of an image"),
        ("- {service: app, type: push, image_name: 'a{{.Branch}}'}", "templates are for `image_tag`"),
        ("- {type: push, image_name: a}", "the push names no `service`"),
        ("- {service: app, type: push, image_name: a, image_tag: '{{ .Brunch }}'}", "did you mean `Branch`?"),
        ("- {service: app, type: push, image_name: a, image_tag: '{{ .Branch }'}", "`image_tag`: "),
        ("- {service: app, command: a, dockercfg_service: gen}", "the service `gen` does not exist"),
        ("- {service: app, command: a, on_fail: [{command: b, service: nope}]}", "the service `nope` does not exist"),
        ("- {service: app, command: a, on_fail: {command: b}}", "`on_fail` needs a list of steps"),
    ],
)
def test_what_is_wrong(text: str, said: str) -> None:
    assert any(said in problem for problem in wrong(text)), wrong(text)


def test_everything_that_is_wrong_is_said_at_once_and_in_order() -> None:
    text = (
        "- {service: nope, command: ls}\n- {command: ls}\n- {service: app, type: push}\n- {service: app, command: ls}"
    )
    found = problems(codeship, text, "app: {build: [a]}")
    assert [problem.split(": ")[0] for problem in found] == [
        "codeship-steps.yml:1:4",
        "codeship-steps.yml:2:3",
        "codeship-steps.yml:3:18",
        "codeship-services.yml:1:7",
    ]


@pytest.mark.parametrize("filter_", ["tag: elsewhere", "exclude: main"])
def test_what_is_wrong_with_a_template_matters_only_where_it_would_run(filter_: str) -> None:
    text = f"""
        - {{type: push, service: app, image_name: shop/app, image_tag: '{{{{ .Nope }}}}', registry: x, {filter_}}}
        - {{type: manual, {filter_}, steps: [{{service: app, command: ls}}]}}
        - {{service: app, command: ls, {filter_}, on_fail: [{{command: b}}]}}
        - {{service: db, command: ls}}
    """
    plan = codeship(text.replace('"sh -c \'x"', "x"), "app: {image: x, encrypted_env_file: y}\ndb: {image: y}")
    assert [bool(step.skip) for step in plan.pipelines[0].steps] == [True, True, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {service: app, command: ls, commnad: x}", "unknown key `commnad` is ignored: did you mean `command`?"),
        ("- {service: app, command: ls, encrypted_env_file: x}", "unknown key `encrypted_env_file` is ignored"),
        (
            "- {service: app, command: x, steps: [{command: a}]}",
            "`command` is for run steps, not for groups: it is ignored",
        ),
        ("- {service: app, command: x, services: [db]}", "`services` is for groups, not for run steps: it is ignored"),
        ("- {service: app, command: ls, cached: true}", "unknown key `cached` is ignored"),
        ("- {service: app, command: ls, image_name: x}", "`image_name` is for push steps, not for run steps: it is"),
        ("- {service: app, type: push, image_name: x, command: y}", "`command` is for run steps, not for push steps"),
        (
            "- {service: db, command: x, service: app}",
            "`service` is given twice, first in line 1: only the last counts",
        ),
    ],
)
def test_what_is_odd_is_a_warning(text: str, said: str) -> None:
    (warning,) = warnings(codeship(text, SERVICES))
    assert warning.startswith("codeship-steps.yml:1:")
    assert said in warning


def test_the_last_of_two_keys_counts() -> None:
    (step,) = steps_of("- {service: db, command: x, service: app, command: y}")
    assert (step.service, step.command) == ("app", ("y",))


def test_groups_in_groups_have_an_end() -> None:
    def nested(depth: int) -> str:
        return (
            "- {type: serial, service: app, steps: [" * 1
            + "{type: serial, steps: [" * (depth - 1)
            + "{command: a}"
            + "]}" * depth
        )

    assert steps_of(nested(12))
    assert "nested deeper than 12" in wrong(nested(13))[0]


def test_a_thousand_steps_and_no_more() -> None:
    assert len(steps_of("- {service: app, command: ls}\n" * 1000)) == 1000
    (problem,) = wrong("- {service: app, command: ls}\n" * 1001)
    assert "unfolds to more than 1000 steps" in problem


def test_copies_count_as_steps() -> None:
    names = [f"s{number}" for number in range(400)]
    services = "\n".join(f"{name}: {{image: x}}" for name in names)
    group = f"- {{type: matrix, services: [{', '.join(names)}], steps: [{{command: a}}, {{command: b}}]}}"
    with pytest.raises(ConfigError, match="unfolds to more than 1000 steps"):
        codeship(group, services)
