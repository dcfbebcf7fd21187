"""The JSON Schema says of a file what the reader says of it."""

from __future__ import annotations

import jsonschema_rs
import pytest
import yaml

from builds.pipeline.keys import SERVICE, STEP, Support
from builds.pipeline.schema import schema
from tests.builds.pipeline.helpers import native
from tests.builds.pipeline.test_docs import EXAMPLES

VALIDATOR = jsonschema_rs.Draft202012Validator(schema())


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_documentation_fit(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{run: a, timeout: 1h30m, environment: [A=1]}]",
        "steps: [{parallel: [a, {serial: [b]}]}]",
        "pipelines: {a: {steps: [x], cache: {key: y, paths: z}}}",
        "deployments: {a: {branch: [x], steps: [y]}}",
        "deployments: {a: {tag: v*, steps: [y], verify: https://x.org, canary: 5%, bake: 1m, rollback: auto, watch: 30s}}",
        "deployments: {a: {tag: v*, steps: [y], verify: [{http: https://x.org, expect: 200, tls: 9d}, {run: z}, {run: a}]}}",
        "deployments: {a: {tag: v*, steps: [y], approval: owner, window: Sat-Sun, concurrency: queue, rollback: {steps: [a]}}}",
        "deployments: {a: {tag: v*, steps: [y], approval: [owner, a@x.org], window: [Sat, Sun], rollback: {automatic: no}}}",
        "deployments: {a: {tag: v*, steps: [y], approval: {from: owner, expires: 1d12h}, irreversible: db/*, canary: [0.5%]}}",
        "deployments: {a: {tag: v*, steps: [y], verify: {http: https://x.org, expect: [2xx, 404], under: 2s}, watch: {every: 1m}}}",
        "steps: [a]\nservices: {app: {build: {context: ., args: {A: 1}}, ports: ['80:80'], volumes: ['./a:/b']}}",
    ],
)
def test_what_the_reader_takes_fits(text: str) -> None:
    assert native(text)
    assert VALIDATOR.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "image: x",
        "steps: []",
        "steps: make",
        "stesp: [a]",
        "steps: [{rum: a}]",
        "steps: [a]\ntimeout: soon",
        "pipelines: {a: {image: x}}",
        "pipelines: {a: {steps: [x], matrix: {}}}",
        "deployments: {a: {branch: main}}",
        "deployments: {a: {branch: main, steps: [x], canary: 10}}",
        "deployments: {a: {branch: main, steps: [x], canary: 100%}}",
        "deployments: {a: {branch: main, steps: [x], verify: []}}",
        "deployments: {a: {branch: main, steps: [x], verify: [{http: https://x.org, expct: 200}]}}",
        "deployments: {a: {branch: main, steps: [x], approval: {not_author: true}}}",
        "deployments: {a: {branch: main, steps: [x], rollback: maybe}}",
        "deployments: {a: {branch: main, steps: [x], concurrency: both}}",
        "steps: [a]\nservices: {app: {image: x, privileged: true}}",
        "steps: [a]\nservices: {app: {build: {contxt: x}}}",
    ],
)
def test_what_the_reader_refuses_does_not_fit(text: str) -> None:
    with pytest.raises(Exception, match=r"ciservice\.yml"):
        native(text)
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def test_keys_that_are_errors_are_not_offered() -> None:
    definitions = schema()["$defs"]
    for name, table in (("step", STEP), ("service", SERVICE)):
        offered = definitions[name]["properties"].keys()
        refused = {
            key.name for key in table.values() if key.support in (Support.LATER, Support.WARNED, Support.FORBIDDEN)
        }
        assert refused.isdisjoint(offered)
        assert "description" in definitions[name]["properties"]["image"]
