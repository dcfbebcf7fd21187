"""Which environments a push goes to."""

from __future__ import annotations

import pytest

from tests.builds.pipeline.helpers import native, problems

FILE = """
steps: [make]
deployments:
  staging: {branch: [main, "release/*"], steps: [./deploy]}
  production: {after: staging, steps: [./deploy]}
  mirror: {branch: main, after: production, steps: [./deploy]}
  preview: {branch: "preview/*", image: alpine, environment: {T: 1}, labels: [x], timeout: 5m, steps: [./deploy]}
"""
TAGS = """
deployments:
  edge: {branch: main, tag: "v*", steps: [./deploy]}
  shop: {after: edge, steps: [./deploy]}
  beta: {tag: [v*-beta, "^v0"], steps: [./deploy]}
  main: {branch: "*", steps: [./deploy]}
"""


@pytest.mark.parametrize(
    ("branch", "facts", "environments"),
    [
        ("main", {}, ["staging", "production", "mirror"]),
        ("release/1", {}, ["staging", "production"]),
        ("preview/x", {}, ["preview"]),
        ("feature", {}, []),
        ("evil-main", {}, []),
        ("main2", {}, []),
        ("main", {"is_tag": True}, []),
        ("main", {"is_pull_request": True}, []),
    ],
)
def test_where_a_push_goes(branch: str, facts: dict, environments: list[str]) -> None:
    plan = native(FILE, branch, **facts)
    assert [found.name for found in plan.deployments if found.applies] == environments
    assert [found.name for found in plan.deployments] == ["staging", "production", "mirror", "preview"]


@pytest.mark.parametrize(
    ("name", "facts", "environments"),
    [
        ("v1", {"is_tag": True}, ["edge", "shop"]),
        ("v0.1", {"is_tag": True}, ["edge", "shop", "beta"]),
        ("v2-beta", {"is_tag": True}, ["edge", "shop", "beta"]),
        ("x1", {"is_tag": True}, []),
        ("main", {"is_tag": True}, []),
        ("main", {}, ["edge", "shop", "main"]),
        ("v1", {}, ["main"]),
        ("v1", {"is_pull_request": True}, []),
        ("v1", {"is_tag": True, "is_pull_request": True}, []),
    ],
)
def test_a_tag_goes_where_a_tag_is_asked_for(name: str, facts: dict, environments: list[str]) -> None:
    assert [found.name for found in native(TAGS, name, **facts).deployments if found.applies] == environments


def test_what_an_environment_says() -> None:
    staging, production, _, preview = native(FILE).deployments
    assert (staging.branch, staging.after) == ("main, release/*", "")
    assert (production.branch, production.after) == ("", "staging")
    pipeline = preview.pipeline
    assert (pipeline.name, pipeline.image, pipeline.environment) == ("preview", "alpine", {"T": "1"})
    assert (pipeline.labels, pipeline.timeout_seconds) == (("x",), 300)
    assert pipeline.steps[0].script == "./deploy"


def test_a_file_says_once_what_holds_for_all() -> None:
    plan = native("image: base\nsteps: [make]\ndeployments: {live: {branch: main, steps: [./deploy]}}")
    assert plan.deployments[0].pipeline.image == "base"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{live: {steps: [a]}}", "a deployment needs `branch` or `after`"),
        ("{live: {branch: main}}", "`live` needs `steps`"),
        ("{live: {branch: main, steps: []}}", "`steps` is an empty list"),
        ("{live: {branch: '^[', steps: [a]}}", "`branch`: not a regular expression"),
        ("{live: {branch: '" + "*" * 201 + "', steps: [a]}}", "longer than 200 characters"),
        (
            "{live: {after: stagin, steps: [a]}, staging: {branch: a, steps: [a]}}",
            "the environment `stagin` does not exist: did you mean `staging`?",
        ),
        ("{live: {after: live, steps: [a]}}", "`live` comes after itself"),
        ("{live: {tag: '^[', steps: [a]}}", "`tag`: not a regular expression"),
        (
            "{a: {branch: main, steps: [x]}, b: {after: a, tag: v*, steps: [x]}}",
            "`b` goes by `tag` alone, and comes after one that goes by `branch` alone: nothing would ever go there",
        ),
        (
            "{a: {tag: v*, steps: [x]}, b: {after: a, steps: [x]}, c: {after: b, branch: main, steps: [x]}}",
            "`c` goes by `branch` alone, and comes after one that goes by `tag` alone",
        ),
        ("{a: {after: b, steps: [x]}, b: {after: a, steps: [x]}, c: {after: a, steps: [x]}}", "`a` comes after itself"),
        ("{live: {branch: main, stesp: [a]}}", "unknown key `stesp`: did you mean `steps`?"),
        ("[live]", "`deployments` needs a map by name"),
    ],
)
def test_what_is_wrong(text: str, said: str) -> None:
    assert any(said in problem for problem in problems(native, f"steps: [make]\ndeployments: {text}"))
