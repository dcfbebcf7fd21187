"""Files and facts of a commit are read without a checkout."""

from __future__ import annotations

import os

import pytest

from runners.checkout import commit_facts, fetch, read_files
from runners.contract import Unreadable
from runners.errors import CheckoutError
from tests.runners.checkout.repositories import git


@pytest.fixture
def bring(repository, mirrors, local):
    """Commits and fetches: (mirror, commit)."""

    def bring(message="Change", **files):
        commit = repository.commit(message, **files)
        fetch(repository.source(commit), mirrors, policy=local)
        return mirrors / "project.git", commit

    return bring


def test_files_are_read_and_absent_ones_left_out(bring):
    mirror, commit = bring(ciservice_dot_yml="steps: []\n", folder__deep__file="text")

    found = read_files(
        mirror, commit, ["ciservice.yml", "nope", "folder/deep/file", "folder/nope", "folder"], most_bytes=99
    )

    assert found == {"ciservice.yml": "steps: []\n", "folder/deep/file": "text"}


def test_a_file_of_the_commit_is_read_not_of_the_branch(bring):
    mirror, old = bring(file="old")
    bring(file="new")

    assert read_files(mirror, old, ["file"], most_bytes=99) == {"file": "old"}


def test_what_is_too_large_is_refused(bring):
    mirror, commit = bring(small="ok", large="x" * 5000)

    found = read_files(mirror, commit, ["small", "large"], most_bytes=4096)

    assert found == {"small": "ok", "large": Unreadable("this is larger than 4 KiB")}


@pytest.mark.parametrize("target", ["/etc/passwd", "real.yml"])
def test_a_symbolic_link_is_refused(repository, bring, target):
    os.symlink(target, repository.work / "ciservice.yml")
    mirror, commit = bring(real_dot_yml="steps: []")

    found = read_files(mirror, commit, ["ciservice.yml"], most_bytes=4096)

    assert found == {"ciservice.yml": Unreadable("this is a symbolic link: it must be a file")}


def test_a_folder_that_is_a_link_is_not_followed(repository, bring):
    os.symlink("real", repository.work / "linked")
    mirror, commit = bring(real__file="text")

    assert read_files(mirror, commit, ["linked/file"], most_bytes=99) == {}


def test_text_that_is_not_utf8_is_refused(repository, bring):
    (repository.work / "latin").write_bytes(b"caf\xe9")
    mirror, commit = bring()

    found = read_files(mirror, commit, ["latin"], most_bytes=99)

    assert "not UTF-8" in found["latin"].reason


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", ""])
def test_paths_that_lead_out_are_refused(bring, name):
    mirror, commit = bring(file="1")

    with pytest.raises(CheckoutError, match="not a path inside"):
        read_files(mirror, commit, [name], most_bytes=99)


def test_a_name_with_a_line_break_asks_for_nothing_else(bring):
    mirror, commit = bring(file="1")

    assert read_files(mirror, commit, ["x\nHEAD:file"], most_bytes=99) == {}


def test_a_commit_that_is_not_there(bring):
    mirror, _ = bring(file="1")

    with pytest.raises(CheckoutError, match="not in the mirror"):
        read_files(mirror, "f" * 40, ["file"], most_bytes=99)


def test_a_mirror_that_is_not_there(mirrors):
    with pytest.raises(CheckoutError):
        read_files(mirrors / "none.git", "f" * 40, ["file"], most_bytes=99)


def test_facts_of_a_commit(repository, bring):
    bring("First")
    repository.tag("v1.2", annotated=True)
    repository.commit("Second")
    mirror, commit = bring("Fix tax rounding\n\nIt was wrong.\n")

    facts = commit_facts(mirror, commit)

    assert facts.message == "Fix tax rounding\n\nIt was wrong."
    assert (facts.author_name, facts.author_email) == ("Ada Lovelace", "ada@example.com")
    assert facts.described == git(repository.work, "describe", "--abbrev=1", "--tags", "--always")
    assert facts.described.startswith("v1.2-2-g")


def test_without_tags_a_commit_is_described_by_its_id(bring):
    mirror, commit = bring("First")

    assert commit.startswith(commit_facts(mirror, commit).described)
