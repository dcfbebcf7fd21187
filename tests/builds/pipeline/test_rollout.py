"""How a release goes out, as the keys of its environment have it."""

from __future__ import annotations

import pytest

from builds.pipeline.delivery import Probe, Rollout
from builds.pipeline.plan import EnvironmentPlan
from tests.builds.pipeline.helpers import native, problems, tree, warnings

FILE = """
image: base
services: {{db: {{image: postgres}}, app: {{image: x, depends_on: [db]}}}}
deployments:
  live: {{branch: main, steps: [x], {keys}}}
"""


def environment(keys: str, **facts: object) -> EnvironmentPlan:
    """An environment with these further keys."""
    plan = native(FILE.format(keys=keys), **facts)
    assert warnings(plan) == []
    return plan.deployments[0]


def rollout(keys: str, **facts: object) -> Rollout:
    return environment(keys, **facts).rollout


def said(keys: str) -> list[str]:
    return problems(native, FILE.format(keys=keys))


def test_without_a_key_it_just_goes() -> None:
    assert rollout("") == Rollout()


@pytest.mark.parametrize("written", ["https://x.org/h", "[https://x.org/h]", "{http: https://x.org/h}"])
def test_an_address_is_enough(written: str) -> None:
    assert rollout(f"verify: {written}").probes == (Probe(url="https://x.org/h"),)


def test_all_that_can_be_said_of_an_address() -> None:
    keys = "expect: [200, 3XX], body: v$CI_RELEASE, under: 500ms, within: 3m, every: 10s, failures: 2, tls: 14d"
    (probe,) = rollout(f"verify: [{{http: https://x.org/h, {keys}}}]").probes
    assert probe == Probe(
        url="https://x.org/h",
        expect=("200", "3xx"),
        body="v$CI_RELEASE",
        under_ms=500,
        tls_days=14,
        within_seconds=180,
        every_seconds=10,
        failures=2,
    )
    assert rollout("verify: {http: http://x.org, under: 2s}").probes[0].under_ms == 2000


def test_an_address_that_is_opened_may_hold_a_password_and_names_of_the_release() -> None:
    url = "https://ann:secret@x.org/${CI_RELEASE}/$CI_COMMIT_ID?in=${CI_ENVIRONMENT}"
    assert rollout(f"verify: ['{url}', {{http: '{url}'}}]").probes == (Probe(url=url), Probe(url=url))
    (problem,) = said("url: https://ann:secret@x.org/")
    assert "an address with a password in it would be shown to everybody" in problem


def test_commands_are_one_job_in_their_order() -> None:
    found = environment(
        "environment: {A: 1}, labels: [large], timeout: 5m, "
        "verify: [{run: one}, https://x.org, {command: two, service: app}, {parallel: [{run: three}]}]"
    )
    checks = found.rollout.checks
    assert tree(checks.steps) == ["one", "two", ("parallel", ["three"])]
    shared = (found.pipeline.image, found.pipeline.environment, found.pipeline.labels, found.pipeline.timeout_seconds)
    assert (checks.image, checks.environment, checks.labels, checks.timeout_seconds) == shared
    assert shared == ("base", {"A": "1"}, ("large",), 300)
    assert {spec.name for spec in checks.services} == {"app", "db"}
    assert found.pipeline.services == ()
    assert len(found.rollout.probes) == 1


def test_every_job_of_a_deployment_finds_what_was_built() -> None:
    text = "pipelines: {a: {steps: [x], artifacts: dist}, b: {steps: [x]}}" + FILE.format(
        keys="verify: {run: smoke}, rollback: {steps: [back]}"
    )
    (found,) = native(text).deployments
    jobs = (found.pipeline, found.rollout.checks, found.rollout.rollback.pipeline)
    assert [job.needs for job in jobs] == [("a",)] * 3
    assert [job.artifacts for job in jobs] == [()] * 3


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("./smoke", "`verify`: `./smoke` is no address: write it in full, such as https://example.com/health"),
        ("[./smoke]", "a command is `- run: …`"),
        ("ftp://x.org", "is no address"),
        ("https://", "is no address"),
        ("'https://x.org:0/'", "is no address"),
        ("'https://x.org:99999/'", "is no address"),
        ("'https://[::1'", "is no address"),
        ("'https://x.org/ y'", "is no address"),
        ("'https://x.org/${SECRET}'", "is no address"),
        (f"https://x.org/{'a' * 500}", "an address has at most 500 characters"),
        ("[]", "`verify` is an empty list"),
        ("[[https://x.org]]", "a step needs a map"),
        ("{htpp: https://x.org}", "unknown key `htpp`: did you mean `http`?"),
        ("{http: https://x.org, run: x}", "unknown key `run`"),
        ("{run: x, expect: 200}", "unknown key `expect`"),
        ("{name: smoke}", "the step has nothing to run"),
        ("{run: x, service: web}", "the service `web` does not exist"),
        ("{type: manual, steps: [{run: x}]}", "a deployment's steps have no `manual` group"),
        ("{http: }", "`http`: `` is no address"),
        ("{http: https://x.org, expect: 20}", "`expect` needs statuses such as 200, 2xx or [200, 204], not `20`"),
        ("{http: https://x.org, expect: []}", "`expect` needs statuses"),
        ("{http: https://x.org, under: 0.5s}", "`under` needs a duration such as 500ms or 2s, at most 60s"),
        ("{http: https://x.org, under: 61s}", "`under` needs a duration"),
        ("{http: https://x.org, within: 2}", "`within` needs a duration such as 90s, 3m or 1h30m, from 1s to 1d"),
        ("{http: https://x.org, every: 2h}", "`every` needs a duration such as 90s, 3m or 1h30m, from 1s to 1h"),
        ("{http: https://x.org, failures: 0}", "`failures` needs a number from 1 to 100"),
        ("{http: https://x.org, tls: 14}", "`tls` needs days, such as 14d, at most 365d"),
        ("{http: http://x.org, tls: 14d}", "`tls` needs an address that begins with https:"),
        (f"{{http: https://x.org, body: {'a' * 501}}}", "`body` has at most 500 characters"),
        (f"[{', '.join(['https://x.org'] * 21)}]", "`verify` has more than 20 addresses"),
    ],
)
def test_what_cannot_be_looked_at(written: str, problem: str) -> None:
    found = said(f"verify: {written}")
    assert any(problem in one for one in found), found
    assert all(one.startswith("ciservice.yml:5:") for one in found)


def test_shares_rise() -> None:
    found = rollout("canary: [1%, 2.5%, 50 %], bake: 10m")
    assert (found.percents, found.bake_seconds) == ((1.0, 2.5, 50.0), 600)
    assert rollout("canary: 5%").percents == (5.0,)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("10", "`canary` needs shares between 0% and 100%, such as [1%, 10%, 50%], not `10`"),
        ("[10%, 100%]", "not `100%`: the whole comes after them by itself"),
        ("0%", "not `0%`"),
        ("-1%", "not `-1%`"),
        ("nan%", "not `nan%`"),
        ("[10%, 10%]", "the shares of `canary` have to rise"),
        ("[50%, 10%]", "the shares of `canary` have to rise"),
        ("[]", "`canary` needs 1 to 20 shares"),
        (f"[{', '.join(f'{number}%' for number in range(1, 22))}]", "`canary` needs 1 to 20 shares"),
        ("{a: 1%}", "`canary` needs a text or a list of texts"),
    ],
)
def test_shares_that_are_none(written: str, problem: str) -> None:
    assert any(problem in one for one in said(f"canary: {written}"))


def test_a_wait_that_looks_at_nothing_is_an_error() -> None:
    assert "`bake` would wait and look at nothing: add `verify`, or take `bake` out" in said("bake: 10m")[0]
    assert rollout("bake: 10m, verify: {run: smoke}").bake_seconds == 600
    assert "`bake` needs a duration" in said("bake: 25h, canary: 5%")[0]


@pytest.mark.parametrize(
    ("keys", "automatic"),
    [
        ("rollback: auto", True),
        ("rollback: manual", False),
        ("verify: https://x.org", True),
        ("verify: {run: smoke}", True),
        ("canary: 5%", True),
        ("canary: 5%, rollback: manual", False),
        ("canary: 5%, rollback: {automatic: false, steps: [back]}", False),
        ("canary: 5%, rollback: {steps: [back]}", True),
        ("rollback: {steps: [back]}", False),
        ("rollback: {automatic: true}", True),
    ],
)
def test_whether_it_is_taken_back_by_itself(keys: str, automatic: bool) -> None:
    assert rollout(keys).rollback.automatic is automatic


def test_what_takes_it_back() -> None:
    back = rollout("rollback: {steps: [back, {command: x, service: app}]}").rollback.pipeline
    assert (back.name, back.image, tree(back.steps)) == ("live", "base", ["back", "x"])
    assert {spec.name for spec in back.services} == {"app", "db"}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("perhaps", "`rollback` is `auto`, `manual`, or a map with automatic and steps, not `perhaps`"),
        ("[auto]", "`rollback` needs a text, not a list"),
        ("{automtic: true}", "unknown key `automtic`: did you mean `automatic`?"),
        ("{steps: []}", "`steps` is an empty list"),
        ("{steps: [{type: manual, steps: [a]}]}", "a deployment's steps have no `manual` group"),
    ],
)
def test_what_takes_nothing_back(written: str, problem: str) -> None:
    assert any(problem in one for one in said(f"rollback: {written}"))


@pytest.mark.parametrize(
    ("patterns", "changed", "sentence"),
    [
        ("migrations/*", ("app.py", "migrations/7.sql", "migrations/8.sql"), "migrations/7.sql was changed"),
        ("migrations/**", ("migrations/a/b.sql",), "migrations/a/b.sql was changed"),
        ("[db/*, '!*.md']", ("db/README.md",), ""),
        ("migrations/*", ("app.py",), ""),
        ("migrations/*", (), ""),
        ("migrations/*", None, "it is not known whether it changes migrations/*"),
        ("[]", None, ""),
    ],
)
def test_a_path_that_cannot_be_taken_back(patterns: str, changed: tuple[str, ...] | None, sentence: str) -> None:
    assert rollout(f"irreversible: {patterns}", changed=changed).irreversible == sentence


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("Fix\n\nIrreversible: drops a column", "its commit says so: drops a column"),
        ("Fix\n\nirreversible: it is\nSigned-off-by: ann", "its commit says so: it is"),
        ("Fix\r\n\r\nIrreversible: x\r\n", "its commit says so: x"),
        ("IRREVERSIBLE:", "its commit says so"),
        ("Fix\n\nIrreversible: no", ""),
        ("Not Irreversible: at all", ""),
        ("Irreversible changes are bad", ""),
    ],
)
def test_a_commit_that_says_so(message: str, sentence: str) -> None:
    assert rollout("", message=message).irreversible == sentence


def test_patterns_that_are_none() -> None:
    assert "`irreversible`: not a regular expression" in said("irreversible: '^['")[0]
    assert "more than 50 patterns" in said(f"irreversible: [{', '.join('a' * 51)}]")[0]


def test_where_people_see_it() -> None:
    assert rollout("url: https://x.org/").url == "https://x.org/"
    assert "`url`: `javascript:alert(1)` is no address" in said("url: 'javascript:alert(1)'")[0]
