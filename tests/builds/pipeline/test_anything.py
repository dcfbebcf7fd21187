"""Whatever a file says, it becomes a plan that survives JSON, or a ConfigError whose problems have their places."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builds.pipeline import keys
from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, plan_from_json, plan_to_json
from tests.builds.pipeline.helpers import context

Strategy = st.SearchStrategy[Any]

_WORDS = st.sampled_from(
    ["", "a", "app", "main", "^m", "(", "*", "true", "3m", "./x:/y", "../x", "/", ":", "A=1", "'", "{{", "ü\u202e"]
)
_TABLES = (keys.FILE, keys.STEP, keys.SERVICE, keys.BUILD, keys.DEPLOYMENT, keys.PROBE, keys.APPROVAL, keys.ROLLBACK)
_KEYS = st.sampled_from(sorted({"app", "zz"}.union(*_TABLES)))
_LEAVES = _WORDS | st.none() | st.booleans() | st.integers(-1, 99)
_WILD = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=8
)


def mostly(sound: Strategy) -> Strategy:
    """What it should be, and now and then anything."""
    return st.integers(0, 19).flatmap(lambda number: _WILD if number == 0 else sound)


def maps(must: dict[str, Strategy], may: dict[str, Strategy]) -> Strategy:
    return mostly(st.fixed_dictionaries(must, optional=may))


_SERVICE_NAMES = mostly(st.sampled_from(["app", "db"]))
_COMMANDS = mostly(st.sampled_from(["ls", "sh -c 'a && b'", "echo $A \\\n b"]))
_PAIRS = mostly(st.fixed_dictionaries({}, optional={"A": _LEAVES, "B": _LEAVES}))
_FILTERS = {"tag": _WORDS, "exclude": st.sampled_from(["x", "^y"]), "name": _WORDS}
_MORE = {**_FILTERS, "environment": _PAIRS, "timeout": mostly(st.just("3m")), "branch": mostly(st.just(["main", "r*"]))}

_OUR_RUNS = (
    mostly(st.just("make"))
    | maps({"run": _COMMANDS}, _MORE)
    | maps({"command": _COMMANDS, "service": _SERVICE_NAMES}, _MORE)
    | maps({"run": _COMMANDS, "image": mostly(st.just("alpine"))}, _MORE)
)
_TARGETS = maps(
    {"heroku": maps({"name": _WORDS}, {"api_key": _WORDS, "check_url": _LEAVES, "within": _WORDS})}, {}
) | maps(
    {"docker": maps({"image": _WORDS, "name": _WORDS, "host": _WORDS}, {"environment": _PAIRS, "health": _WILD})}, {}
)
_OUR_RUNS_AND_TARGETS = _OUR_RUNS | maps({"deploy": _TARGETS}, _MORE)
_THEIR_RUNS = maps({"command": _COMMANDS, "service": _SERVICE_NAMES}, _FILTERS)


def trees(runs: Strategy, *, ours: bool) -> Strategy:
    """Lists of steps with groups in them."""

    def group(inner: Strategy) -> Strategy:
        types = mostly(st.sampled_from(["serial", "parallel", "matrix"]))
        old = maps({"type": types, "steps": inner}, {**_FILTERS, "services": st.lists(_SERVICE_NAMES, max_size=2)})
        return old | maps({"parallel": inner}, _FILTERS) if ours else old

    lists = st.lists(runs, min_size=1, max_size=2)
    return st.recursive(lists, lambda inner: st.lists(group(inner), min_size=1, max_size=2), max_leaves=3)


_OUR_STEPS, _THEIR_STEPS = trees(_OUR_RUNS, ours=True), trees(_THEIR_RUNS, ours=False)
_DEPLOYING = trees(_OUR_RUNS_AND_TARGETS, ours=True)
_SERVICE = maps(
    {},
    {
        "build": mostly(st.just(".") | st.fixed_dictionaries({}, optional={"args": _PAIRS, "path": _WORDS})),
        "environment": _PAIRS,
        "volumes": mostly(st.lists(st.sampled_from(["/a", "./x:/y", "x:/y:ro"]), max_size=2)),
        "links": st.lists(st.sampled_from(["db", "db:x"]), max_size=1),
        "command": _COMMANDS,
        "ports": _WILD,
    },
).map(lambda value: {"build": ".", **value} if isinstance(value, dict) else value)
_DB = mostly(st.just({"image": "postgres"}))
_SERVICES = maps({"app": _SERVICE, "db": _DB}, {})
_SHARED = {"environment": _PAIRS, "image": mostly(st.just("x")), "labels": mostly(st.just(["a"]))}
_ADDRESSES = st.sampled_from(["https://x.org", "http://[::1]:80/", "https://x.org:99999", "x", "https://a:b@x"])
_PROBE = maps(
    {"http": mostly(_ADDRESSES)},
    {
        "expect": mostly(st.sampled_from([200, "2xx", [200, 404]])),
        "under": mostly(st.just("500ms")),
        "within": mostly(st.just("2m")),
        "tls": mostly(st.just("14d")),
        "failures": mostly(st.integers(0, 3)),
    },
)
_ROLES = st.sampled_from(["manager", "owners", "ann@x.org", "@", "boss"])
_DELIVERY = {
    "tag": mostly(st.just("v*")),
    "verify": mostly(_ADDRESSES) | st.lists(mostly(_ADDRESSES) | _PROBE | _OUR_RUNS, max_size=3),
    "approval": mostly(_ROLES) | maps({"from": st.lists(_ROLES, max_size=2)}, {"expires": mostly(st.just("2d"))}),
    "window": mostly(st.sampled_from(["Mon-Thu 18:00-10:00 Europe/Vienna", "Sat", "0:0-9:99 x", "daily"])),
    "canary": mostly(st.lists(st.sampled_from(["1%", "10%", "50%", "0%", "x%"]), max_size=3)),
    "bake": mostly(st.just("10m")),
    "rollback": mostly(st.sampled_from(["auto", "manual"])) | maps({"steps": _DEPLOYING}, {"automatic": _LEAVES}),
    "irreversible": mostly(st.sampled_from(["db/*", "!db", "^["])),
    "concurrency": mostly(st.sampled_from(["queue", "supersede"])),
    "watch": mostly(st.sampled_from(["1m", {"every": "1m"}, "1s"])),
    "url": mostly(_ADDRESSES),
}
_DEPLOYMENTS = {
    "staging": maps({"branch": mostly(st.just("main")), "steps": _DEPLOYING}, _SHARED | _DELIVERY),
    "production": maps({"after": mostly(st.just("staging")), "steps": _OUR_STEPS}, _SHARED | _DELIVERY),
}
_FILE = maps({"services": _SERVICES, "steps": _OUR_STEPS}, {"deployments": maps(_DEPLOYMENTS, {}), **_SHARED}) | maps(
    {"services": _SERVICES, "pipelines": maps({"unit": maps({"steps": _OUR_STEPS}, _SHARED)}, {})}, _SHARED
)


def planned(files: dict[str, object]) -> bool:
    """Whether the files make a plan; everything that may be said of them is checked here."""
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in files.items()}
    plan, said = None, []
    try:
        plan = make(texts, context())
    except ConfigError as error:
        said = error.problems
    assert plan or said
    if plan is not None:
        assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
        said = plan.warnings
    assert all(problem.file in files and min(problem.line, problem.column) >= 0 for problem in said)
    return plan is not None


@settings(max_examples=100, deadline=None)
@given(_FILE)
def test_ours(value: object) -> None:
    planned({"ciservice.yml": value})


@settings(max_examples=100, deadline=None)
@given(_THEIR_STEPS, _SERVICES | maps({"version": _LEAVES, "services": _SERVICES}, {}))
def test_theirs(steps: object, services: object) -> None:
    planned({"codeship-steps.yml": steps, "codeship-services.yml": services})


@pytest.mark.parametrize(
    "files",
    [
        {"ciservice.yml": {"steps": ["make"]}},
        {"codeship-steps.yml": [{"service": "app", "command": "ls"}], "codeship-services.yml": {"app": {"image": "x"}}},
    ],
)
def test_the_check_itself_sees_plans(files: dict[str, object]) -> None:
    assert planned(files)
