"""`id_tokens` in ciservice.yml."""

from __future__ import annotations

import pytest

from builds.pipeline.plan import ConfigError, pipeline_from_json, pipeline_to_json
from tests.builds.pipeline.helpers import native


def test_they_hold_where_they_stand_and_below():
    plan = native(
        "id_tokens: {ALL: {aud: everybody}}\n"
        "pipelines:\n"
        "  test: {steps: [make]}\n"
        "  image: {steps: [make], id_tokens: {CLOUD: {aud: [a, b]}, ALL: {aud: another}}}\n"
        "deployments:\n"
        "  production: {branch: main, steps: [make], id_tokens: {VAULT: 'https://vault.example.com'}}\n"
    )
    assert {one.name: one.id_tokens for one in plan.pipelines} == {
        "test": {"ALL": ("everybody",)},
        "image": {"CLOUD": ("a", "b"), "ALL": ("another",)},
    }
    assert plan.deployments[0].pipeline.id_tokens == {"ALL": ("everybody",), "VAULT": ("https://vault.example.com",)}
    assert [pipeline_from_json(pipeline_to_json(one)) for one in plan.pipelines] == list(plan.pipelines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AWS", "needs a map by variable"),
        ("{1X: {aud: a}}", "cannot be a variable's name"),
        ("{A-B: {aud: a}}", "cannot be a variable's name"),
        ("{X: {}}", "the token `X` needs `aud`"),
        ("{X: }", "the token `X` needs `aud`"),
        ("{X: [a]}", "the token `X` needs `aud`"),
        ("{X: {aud: ''}}", "the token `X` needs `aud`"),
        ("{X: {audience: a}}", "aud"),
        (f"{{X: {{aud: {'a' * 256}}}}}", "at most 255"),
        ("{" + ", ".join(f"X{number}: a" for number in range(11)) + "}", "more than 10"),
    ],
    ids=range(10),
)
def test_what_cannot_be_says_why_and_where(text, said):
    with pytest.raises(ConfigError) as refused:
        native(f"steps: [make]\nid_tokens: {text}\n")
    problem = refused.value.problems[0]
    assert (problem.line, said in str(refused.value)) == (2, True), str(refused.value)
