"""What protects an environment, as its keys have it."""

from __future__ import annotations

import pytest

from builds.pipeline.delivery import Approval, Gates, Watch
from tests.builds.pipeline.helpers import native, problems

DAY = 86_400


def gates(keys: str) -> Gates:
    """The gates of an environment with these further keys."""
    (environment,) = native(f"deployments: {{live: {{branch: main, steps: [x], {keys}}}}}").deployments
    return environment.gates


def said(keys: str) -> str:
    """The one thing that is wrong with them."""
    (problem,) = problems(native, f"deployments: {{live: {{branch: main, steps: [x], {keys}}}}}")
    return problem


def test_without_a_key_nothing_is_in_the_way() -> None:
    assert gates("") == Gates(branches=("main",))


def test_the_rule_is_kept_with_the_gates() -> None:
    (environment,) = native("deployments: {live: {branch: [main, ' r/* '], tag: v*, steps: [x]}}").deployments
    assert (environment.gates.branches, environment.gates.tags) == (("main", "r/*"), ("v*",))


@pytest.mark.parametrize(
    ("written", "approval"),
    [
        ("manager", Approval(roles=("manager",))),
        ("Managers", Approval(roles=("manager",))),
        ("Project managers", Approval(roles=("project_manager",))),
        ("project-manager", Approval(roles=("project_manager",))),
        ("Ann@Example.org", Approval(people=("ann@example.org",))),
        (
            "[owner, ann@x.org, owners, bob@x.org]",
            Approval(roles=("owner",), people=("ann@x.org", "bob@x.org")),
        ),
        ("{from: contributors}", Approval(roles=("contributor",))),
        (
            "{from: [owner], not_author: true, expires: 2d}",
            Approval(roles=("owner",), not_author=True, expires_seconds=2 * DAY),
        ),
        ("{from: owner, expires: 1d12h}", Approval(roles=("owner",), expires_seconds=DAY + 12 * 3600)),
    ],
)
def test_who_has_to_agree(written: str, approval: Approval) -> None:
    assert gates(f"approval: {written}").approval == approval


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("maneger", "ciservice.yml:1:48: the role `maneger` does not exist: did you mean `manager`?"),
        ("boss", "the role `boss` does not exist: known here: contributor, manager, owner, project_manager"),
        ("ann@", "`ann@` is no e-mail address, such as ann@example.com"),
        ("'ann@x.org, bob@x.org'", "is no e-mail address"),
        ("[]", "`approval` needs a role or an e-mail address"),
        ("[[owner]]", "`approval` needs a text, not a list"),
        ("{not_author: true}", "`approval` needs `from`"),
        ("{from: owner, expires: 0d}", "`expires` needs a duration such as 2d, 12h or 90m, from 1m to 90d"),
        ("{from: owner, expires: 91d}", "`expires` needs a duration"),
        ("{from: owner, expires: soon}", "`expires` needs a duration"),
        ("{from: owner, expires: 9999999999999d}", "`expires` needs a duration"),
        ("{form: owner}", "unknown key `form`: did you mean `from`?"),
        ("{from: owner, not_author: perhaps}", "`not_author` needs true or false"),
        (f"[{', '.join(f'a{number}@x.org' for number in range(51))}]", "at most 50 of them"),
    ],
)
def test_who_cannot_agree(written: str, problem: str) -> None:
    found = problems(native, f"deployments: {{live: {{branch: main, steps: [x], approval: {written}}}}}")
    assert any(problem in one and one.startswith("ciservice.yml:1:") for one in found)


def test_windows() -> None:
    first, second = gates('window: ["Mon-Thu 18:00-10:00 Europe/Vienna", "Sat-Sun"]').windows
    assert (first.days, first.start, first.end, first.zone) == ((0, 1, 2, 3), 18 * 60, 10 * 60, "Europe/Vienna")
    assert second.days == (5, 6)
    assert gates("window: Sat").windows[0].days == (5,)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("sometimes", "`window`: `sometimes` is no day of the week"),
        ('"Mon 18:00-25:00"', "`window`: `25:00` is no time of the day"),
        ('"Mon 18:00-20:00 Europe/Wien"', "`window`: the zone `Europe/Wien` does not exist"),
        ("[]", "`window` needs a time of the week"),
        (f"[{', '.join(['Mon'] * 21)}]", "at most 20 of them"),
        ("{mon: 18}", "`window` needs a text or a list of texts"),
    ],
)
def test_a_window_that_cannot_be_read(written: str, problem: str) -> None:
    found = problems(native, f"deployments: {{live: {{branch: main, steps: [x], window: {written}}}}}")
    assert any(problem in one for one in found)


def test_whether_releases_queue() -> None:
    assert [gates(f"concurrency: {word}").queue for word in ("queue", "supersede")] == [True, False]
    assert "`concurrency` is `supersede` (of waiting releases the newest goes) or `queue`, not `2`" in said(
        "concurrency: 2"
    )


@pytest.mark.parametrize(
    ("written", "watch"),
    [
        ("30s", Watch(every_seconds=30)),
        ("{}", Watch()),
        ("{every: 5m}", Watch(every_seconds=300)),
        ("{failures: 7}", Watch(failures=7)),
    ],
)
def test_what_is_live_is_watched(written: str, watch: Watch) -> None:
    assert gates(f"verify: https://x.org, watch: {written}").watch == watch


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("watch: 1m", "`watch` has nothing to look at: give `verify` an address"),
        ("verify: {run: ./smoke}, watch: 1m", "`watch` has nothing to look at"),
        ("verify: https://x.org, watch: 5s", "`watch` needs a duration such as 90s, 3m or 1h30m, from 10s to 1d"),
        ("verify: https://x.org, watch: {failures: 0}", "`failures` needs a number from 1 to 100"),
        ("verify: https://x.org, watch: {often: true}", "unknown key `often`"),
        ("verify: https://x.org, watch: [1m]", "`watch` needs a text, not a list"),
    ],
)
def test_a_watch_that_sees_nothing(keys: str, problem: str) -> None:
    found = problems(native, f"deployments: {{live: {{branch: main, steps: [x], {keys}}}}}")
    assert any(problem in one for one in found)
