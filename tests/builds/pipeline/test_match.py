"""Filters and branch patterns: what matches, and that no pattern can hold the service up."""

from __future__ import annotations

import pytest

from builds.pipeline.match import PatternError, branch_matches, codeship_matches, to_regex


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("master", "master", True),
        ("master", "master-rebase", False),
        ("master", "my-master", False),
        ("^(master|staging)", "master", True),
        ("^(master|staging)", "master-rebase", True),
        ("^(master|staging)$", "master-rebase", False),
        ("^(master|staging/.*)$", "staging/a/b", True),
        ("^(master|staging/.*)$", "staging", False),
        ("(^master|^dev-)$", "master", True),
        ("(^master|^dev-)$", "dev-1", False),
        ("^v1|v2|v3$", "x-v2-y", True),
        (r"(\d+(\.\d+)+)", "1.2.3", True),
        (r"(\d+(\.\d+)+)", "v1.2.3", False),
        (r"test-\w+", "test-a", True),
        (r"test-\w+", "x-test-a", False),
        (r"test-\w+", "test-a/b", False),
        ("(", "master", False),
        ("(", "(", True),
        ("^(?!master)", "develop", False),  # RE2 has no look-around: no regular expression, no match
        ("feature/é", "feature/é", True),
        ("^feature/é", "feature/éa", True),
        ("\ud800", "master", False),
        ("^" + "a" * 200, "a" * 300, False),  # too long for a pattern
        ("a" * 300, "a" * 300, True),
    ],
)
def test_codeship_filters(pattern: str, name: str, matches: bool) -> None:
    assert codeship_matches(pattern, name) is matches


@pytest.mark.parametrize(
    ("pattern", "branch", "matches"),
    [
        ("main", "main", True),
        ("main", "evil-main", False),
        ("main", "main2", False),
        ("main", "main\n", False),
        ("m.in", "main", False),
        ("release/*", "release/1.2", True),
        ("release/*", "release/1/hotfix", True),
        ("release/*", "release", False),
        ("release/*", "x/release/1", False),
        ("*", "anything/at all", True),
        ("v?", "v1", True),
        ("v?", "v12", False),
        ("a(b)[c]+", "a(b)[c]+", True),
        ("^release-\\d+$", "release-7", True),
        ("^release-", "release-x", True),
        ("-fix$", "a-fix", True),
        ("-fix$", "a-fixed", False),
    ],
)
def test_branch_patterns(pattern: str, branch: str, matches: bool) -> None:
    assert branch_matches(pattern, branch) is matches


@pytest.mark.parametrize("pattern", ["^(", "^a{1001}$", "*" * 201, "^" + "x" * 200, "^(?!main)"])
def test_what_is_no_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError):
        branch_matches(pattern, "main")


def test_a_glob_is_anchored() -> None:
    assert to_regex("release/*") == "^(?s:release\\/.*)$"
