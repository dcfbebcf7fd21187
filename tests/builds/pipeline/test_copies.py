"""Pipelines of ciservice.yml: copies by matrix and parallelism, order by needs, pushes by when, tries by retry."""

from __future__ import annotations

import pytest

from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, PlanContext


def planned(text, **context):
    return make({"ciservice.yml": text}, PlanContext(**{"branch": "main", "commit": "0" * 40, **context}))


def names(text, **context):
    return [pipeline.name for pipeline in planned(text, **context).pipelines]


def test_a_matrix_fills_its_values_in():
    plan = planned(
        "pipelines:\n"
        "  lint:\n"
        "    image: 'python:{{ matrix.python }}'\n"
        "    matrix: {python: ['3.11', '3.13'], db: [pg, lite], exclude: [{python: '3.11', db: lite}], include: {python: '3.9'}}\n"
        "    steps: [{run: 'test {{matrix.python}}', environment: {X: 'a{{ matrix.python }}'}}]\n"
    )
    assert [one.name for one in plan.pipelines] == [
        "lint (3.11, pg)",
        "lint (3.13, pg)",
        "lint (3.13, lite)",
        "lint (3.9)",
    ]
    first = plan.pipelines[0]
    assert (first.image, first.steps[0].script, first.steps[0].environment) == (
        "python:3.11",
        "test 3.11",
        {"X": "a3.11"},
    )
    assert first.environment == {"MATRIX_PYTHON": "3.11", "MATRIX_DB": "pg"}


def test_parallelism_numbers_equal_copies():
    plan = planned("parallelism: 3\nsteps: [test]\nenvironment: {A: b}")
    assert [one.name for one in plan.pipelines] == ["main 1/3", "main 2/3", "main 3/3"]
    assert plan.pipelines[2].environment == {"A": "b", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"}


def test_needs_mean_every_copy():
    plan = planned(
        "pipelines:\n  build: {steps: [a], parallelism: 2}\n  test: {steps: [b], needs: [build]}\n"
        "  slow: {steps: [c], needs: [build, nightly]}\n  nightly: {steps: [d], when: {event: schedule}}\n"
    )
    assert {one.name: one.needs for one in plan.pipelines} == {
        "build 1/2": (),
        "build 2/2": (),
        "test": ("build 1/2", "build 2/2"),
        "slow": ("build 1/2", "build 2/2"),
    }


WHEN = "pipelines: {{a: {{steps: [x], when: {when}}}, b: {{steps: [y]}}}}"


@pytest.mark.parametrize(
    ("when", "context", "runs"),
    [
        ("{branch: main}", {}, True),
        ("{branch: [next, 'rel/*']}", {"branch": "rel/1"}, True),
        ("{branch: next}", {}, False),
        ("{branch: ['*', '!main']}", {}, False),
        ("{branch: main}", {"is_tag": True}, False),
        ("{tag: 'v*'}", {"is_tag": True, "branch": "v1"}, True),
        ("{tag: 'v*'}", {"branch": "v1"}, False),
        ("{event: [schedule, manual]}", {"event": "manual"}, True),
        ("{event: schedule}", {}, False),
        ("{paths: 'src/*'}", {"changed": ("docs/x", "src/a/b.py")}, True),
        ("{paths: ['*', '!docs/*']}", {"changed": ("docs/x",)}, False),
        ("{paths: 'src/*'}", {"changed": ()}, False),
        ("{paths: 'src/*'}", {"changed": None}, True),
        ("{branch: main, event: schedule}", {}, False),
    ],
)
def test_when_a_pipeline_is_for_the_push(when, context, runs):
    assert names(WHEN.format(when=when), **context) == (["a", "b"] if runs else ["b"])


def test_when_on_a_step_says_why_it_is_left_out():
    (step,) = planned("steps: [{run: x, when: {branch: next}}]").pipelines[0].steps
    assert step.skip == "only for branch next"


def test_tries_and_failures_that_are_allowed():
    plan = planned(
        "pipelines:\n  a: {steps: [{run: x, retry: 2, allow_failure: true}], allow_failure: yes, retry: 5}\n"
        "  b: {steps: [x], retry: {failed: 1, errored: 0}}\n"
    )
    a, b = plan.pipelines
    assert (a.allow_failure, a.retries, a.attempts) == (True, 0, 6)
    assert (a.steps[0].retries, a.steps[0].allow_failure) == (2, True)
    assert (b.allow_failure, b.retries, b.attempts) == (False, 1, 1)


def test_only_what_a_schedule_asks_for_with_all_its_copies():
    text = "pipelines: {a: {steps: [x], parallelism: 2, needs: b}, b: {steps: [y]}}"
    plan = planned(text, only=("a",))
    assert [(one.name, one.needs) for one in plan.pipelines] == [("a 1/2", ()), ("a 2/2", ())]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("parallelism: 0", "a number from 1 to 50"),
        ("parallelism: 51", "a number from 1 to 50"),
        ("parallelism: 9999999999999999999", "a number from 1 to 50"),
        ("matrix: [a]", "`matrix` needs a map"),
        ("matrix: {a: b}", "needs a list of short texts"),
        ("matrix: {a-b: [c]}", "needs a list of short texts"),
        ("matrix: {a: [1], exclude: {a: 1}}", "leaves nothing to run"),
        ("matrix: {a: [1, 2], b: [" + "1," * 40 + "]}\nparallelism: 30", "more than 50 jobs"),
        ("matrix: {" + ", ".join(f"a{n}: [1, 2, 3]" for n in range(12)) + "}", "531441 combinations"),
        ("matrix: {python: [a]}\nimage: '{{ matrix.pyton }}'", "did you mean `python`?"),
        ("needs: main", "needs itself"),
        ("needs: other", "which does not exist"),
        ("when: main", "`when` needs a map"),
        ("when: {event: pull}", "is not known"),
        ("when: {branch: '^('}", "not a regular expression"),
        ("when: {branches: main}", "did you mean `branch`?"),
        ("retry: many", "a number from 0 to 10"),
        ("retry: {failed: 11}", "a number from 0 to 10"),
        ("retry: {times: 1}", "unknown key `times`"),
    ],
)
def test_what_cannot_be_is_said(text, problem):
    with pytest.raises(ConfigError) as caught:
        planned(f"steps: [a]\n{text}\n")
    assert problem in str(caught.value)


def test_a_ring_of_needs_is_refused():
    with pytest.raises(ConfigError) as caught:
        planned("pipelines: {a: {steps: [x], needs: b}, b: {steps: [x], needs: c}, c: {steps: [x], needs: a}}")
    assert str(caught.value).count("needs itself") == 3
