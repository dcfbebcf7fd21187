"""Steps: commands without a shell, groups, what runs for which branch, what runs on failure."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.docker

SERVICES = (
    "app: {image: IMAGE}\nshop: {image: IMAGE, environment: {WHO: shop}}\nbar: {image: IMAGE, environment: {WHO: bar}}"
)


def test_a_command_is_words_for_the_images_entrypoint_and_no_shell(passes):
    services = """
        app: {image: IMAGE, environment: {X: set}}
        teller: {build: {dockerfile: D}, command: replaced}
        npm: {image: IMAGE, entrypoint: echo run}
    """
    steps = r"""
        - {name: plain, service: app, command: "echo $X && echo 'a  b' | cat > /tmp/x; #no"}
        - {name: wrapped, service: app, command: 'sh -c "echo $X && echo two"'}
        - {name: "true", service: app, command: true}
        - {name: joined, service: app, command: "echo a'b'\"c d\"e \\\"q\\\""}
        - {name: entry, service: teller, command: --help me}
        - {name: text entry, service: npm, command: test-unit}
        - name: folded
          service: app
          command: >
            echo one
            two
    """
    ran = passes(steps, services, {"D": 'FROM IMAGE\nENTRYPOINT ["echo", "told:"]\nCMD ["default"]\n'})
    said = {name: ran.last(name) for name in ran.outcomes if name != "true"}
    assert said == {
        "plain": "$X && echo a  b | cat > /tmp/x; #no",
        "wrapped": "two",
        "joined": 'abc de "q"',
        "entry": "told: --help me",
        "text entry": "run test-unit",
        "folded": "one two",
    }


def test_groups_in_each_other_siblings_that_finish_and_what_is_left_out(go):
    steps = """
        - name: outer
          type: parallel
          service: app
          steps:
            - name: in order
              type: serial
              steps: [{name: first, command: "true"}, {name: breaks, command: "false"}, {name: never, command: "true"}]
            - {name: sibling, command: sh -c "sleep 1; echo finished"}
        - {name: deploy, service: app, command: echo deployed}
    """
    ran = go(steps, SERVICES)
    assert ran.outcomes == {
        "outer": "failed",
        "in order": "failed",
        "first": "passed",
        "breaks": "failed",
        "never": "skipped",
        "sibling": "passed",
        "deploy": "skipped",
    }
    assert ran.text("sibling") == "finished\n"


def test_services_of_a_group_and_a_matrix_run_everything_for_each(passes):
    steps = """
        - {type: matrix, services: [shop, bar], steps: [{type: parallel, steps: [{command: sh -c "echo m $WHO"}]}]}
        - {type: serial, services: [bar, shop], steps: [{command: sh -c "echo s $WHO"}, {command: echo again}]}
    """
    ran = passes(steps, SERVICES)
    said = ["".join(data.decode()).strip() for _, data in sorted(ran.recorder.outputs.items())]
    assert said == ["m shop", "m bar", "s bar", "again", "s shop", "again"]


def test_twenty_five_at_once(passes):
    inner = "".join(f"  - {{name: s{number}, command: echo {number}}}\n" for number in range(25))
    ran = passes(f"- type: parallel\n  service: app\n  steps:\n{inner}", SERVICES)
    assert [ran.text(f"s{number}") for number in range(25)] == [f"{number}\n" for number in range(25)]


@pytest.mark.parametrize(
    ("branch", "ran_there"),
    [
        ("master", {"always", "master", "either", "group"}),
        ("master-rebase", {"always", "either", "not master"}),
        ("1.2.3", {"always", "version", "not master"}),
    ],
)
def test_filters(passes, branch, ran_there):
    steps = r"""
        - {name: always, service: app, command: "true", exclude: (}
        - {name: master, service: app, command: "true", tag: master}
        - {name: either, service: app, command: "true", tag: "^(master|staging)"}
        - {name: version, service: app, command: "true", tag: '(\d+(\.\d+)+)'}
        - {name: broken, service: app, command: "false", tag: "("}
        - {name: not master, service: app, command: "true", exclude: master}
        - {name: both, service: app, command: "false", tag: master, exclude: "^mas"}
        - {type: serial, service: app, tag: master, steps: [{name: group, command: "true"}, {command: "false", tag: dev}]}
    """
    ran = passes(steps, SERVICES, branch=branch)
    assert {name for name, outcome in ran.outcomes.items() if outcome == "passed"} - {"serial"} == ran_there


def test_on_fail_runs_in_the_failed_steps_service_and_changes_nothing(go):
    steps = """
        - type: serial
          service: shop
          on_fail: [{name: group told, command: sh -c "echo group $WHO"}]
          steps:
            - name: test
              command: sh -c "exit 4"
              on_fail:
                - {name: told, command: sh -c "echo step $WHO"}
                - {name: other, service: bar, command: sh -c "echo other $WHO; exit 1"}
    """
    ran = go(steps, SERVICES)
    assert (str(ran.result.outcome), ran.result.reason) == ("failed", "test: Exit code 4.")
    assert [ran.text(name) for name in ("told", "other", "group told")] == [
        "step shop\n",
        "other bar\n",
        "group shop\n",
    ]


def test_a_manual_group_waits_and_runs_once_it_is_approved(passes):
    steps = """
        - {name: test, service: app, command: echo tested}
        - {type: manual, name: gate, tag: master, service: app, steps: [{name: ship, command: sh -c "echo $CI_BUILD_APPROVED"}]}
    """
    ran = passes(steps, SERVICES)
    assert ran.result.awaits_approval
    assert ran.outcomes == {"test": "passed", "gate": "skipped", "ship": "skipped"}
    ran = passes(steps, SERVICES, is_approved=True, environment={"CI_BUILD_APPROVED": "true"})
    assert (ran.text("test"), ran.text("ship")) == ("tested\n", "true\n")
    assert not ran.result.awaits_approval
