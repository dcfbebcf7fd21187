"""Commits come into the mirror, once, whatever happened to the branch meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from runners.checkout import GitLimits, GitPolicy, fetch
from runners.checkout.command import Bounds
from runners.checkout.locks import locked
from runners.checkout.mirror import MOST_PACKS, is_ref
from runners.contract import Stop, StopReason
from runners.errors import CheckoutError
from tests.runners.checkout.repositories import Repository, git


def mirror(mirrors, name="project"):
    return mirrors / f"{name}.git"


def test_a_commit_is_fetched(repository, mirrors, local):
    commit = repository.commit(file="1")

    assert fetch(repository.source(commit), mirrors, policy=local) == commit
    assert git(mirror(mirrors), "rev-parse", "refs/heads/main") == commit


def test_no_commit_means_the_newest_of_the_ref(repository, mirrors, local):
    repository.commit(file="1")
    fetch(repository.source(), mirrors, policy=local)
    newest = repository.commit(file="2")

    assert fetch(repository.source(), mirrors, policy=local) == newest


def test_the_newest_of_an_annotated_tag_is_its_commit(repository, mirrors, local):
    commit = repository.commit(file="1")
    repository.tag("v1", annotated=True)

    assert fetch(repository.source(ref="refs/tags/v1"), mirrors, policy=local) == commit


def test_the_id_of_an_annotated_tag_stands_for_its_commit(repository, mirrors, local):
    commit = repository.commit(file="1")
    repository.tag("v1", annotated=True)
    tag = git(repository.work, "rev-parse", "refs/tags/v1")

    assert tag != commit
    assert fetch(repository.source(tag, ref="refs/tags/v1"), mirrors, policy=local) == commit


def test_what_is_there_needs_no_network(repository, mirrors, local):
    commit = repository.commit(file="1")
    fetch(repository.source(commit), mirrors, policy=local)
    repository.bare.rename(repository.bare.with_name("moved.git"))

    assert fetch(repository.source(commit), mirrors, policy=local) == commit


def test_a_tag_build_brings_the_tag_though_the_commit_is_there(repository, mirrors, local):
    commit = repository.commit(file="1")
    fetch(repository.source(commit), mirrors, policy=local)
    repository.tag("v1")

    fetch(repository.source(commit, ref="refs/tags/v1"), mirrors, policy=local)

    assert git(mirror(mirrors), "tag") == "v1"


def test_a_commit_that_a_forced_push_replaced_is_still_had(repository, mirrors, local):
    old = repository.commit(file="1")
    git(repository.work, "commit", "-q", "--amend", "-m", "Other")
    repository.push("HEAD")

    assert fetch(repository.source(old), mirrors, policy=local) == old


def test_a_forced_push_does_not_take_an_old_commit_out_of_the_mirror(repository, mirrors, local):
    old = repository.commit(file="1")
    fetch(repository.source(old), mirrors, policy=local)
    git(repository.work, "commit", "-q", "--amend", "-m", "Other")
    repository.push("HEAD")
    fetch(repository.source(), mirrors, policy=local)
    git(mirror(mirrors), "repack", "-a", "-d", "-q")

    assert git(mirror(mirrors), "cat-file", "-t", old) == "commit"


def test_the_commit_of_a_deleted_branch_is_still_had(repository, mirrors, local):
    repository.commit(file="1")
    git(repository.work, "checkout", "-q", "-b", "feature")
    commit = repository.commit(file="2")
    git(repository.work, "push", "-q", "origin", "--delete", "feature")

    assert fetch(repository.source(commit, ref="refs/heads/feature"), mirrors, policy=local) == commit


def test_a_pull_requests_ref_is_fetched(repository, mirrors, local):
    repository.commit(file="1")
    commit = repository.commit(file="2", push=False)
    repository.push("HEAD:refs/pull/7/head")

    assert fetch(repository.source(ref="refs/pull/7/head"), mirrors, policy=local) == commit


def test_a_branch_may_take_the_place_of_a_folder_of_branches(repository, mirrors, local):
    commit = repository.commit(file="1")
    repository.push("HEAD:refs/heads/a")
    fetch(repository.source(commit, ref="refs/heads/a"), mirrors, policy=local)
    git(repository.work, "push", "-q", "origin", "--delete", "a")
    newer = repository.commit(file="2")
    repository.push("HEAD:refs/heads/a/b")

    assert fetch(repository.source(newer, ref="refs/heads/a/b"), mirrors, policy=local) == newer


def test_a_deleted_tag_goes(repository, mirrors, local):
    repository.commit(file="1")
    repository.tag("v1")
    fetch(repository.source(), mirrors, policy=local)
    git(repository.work, "push", "-q", "origin", "--delete", "v1")

    fetch(repository.source(), mirrors, policy=local)

    assert git(mirror(mirrors), "tag") == ""


def test_a_repository_with_sha256_ids(tmp_path, mirrors, local):
    repository = Repository(tmp_path, object_format="sha256")
    commit = repository.commit(file="1")

    assert len(commit) == 64
    assert fetch(repository.source(commit), mirrors, policy=local) == commit


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"commit": "f" * 40}, "commit is not in the repository"),
        ({"ref": "refs/heads/gone"}, "branch or tag is not in the repository"),
    ],
)
def test_what_is_not_there_is_said_and_not_tried_again(repository, mirrors, local, fields, said):
    repository.commit(file="1")

    with pytest.raises(CheckoutError, match=said) as caught:
        fetch(repository.source(**fields), mirrors, policy=local)

    assert caught.value.retry is False


def test_a_repository_that_is_not_there(repository, mirrors, local):
    with pytest.raises(CheckoutError, match="repository was not found") as caught:
        fetch(repository.source(url="/nonexistent/repository.git"), mirrors, policy=local)

    assert caught.value.retry is False


def test_a_damaged_mirror_is_made_anew(repository, mirrors, local):
    commit = repository.commit(file="1")
    fetch(repository.source(commit), mirrors, policy=local)
    for pack in (mirror(mirrors) / "objects/pack").glob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"")
    newer = repository.commit(file="2")

    assert fetch(repository.source(newer), mirrors, policy=local) == newer
    assert git(mirror(mirrors), "fsck") == ""


def test_many_fetches_leave_few_packs(repository, mirrors, local):
    for number in range(MOST_PACKS + 3):
        fetch(repository.source(repository.commit(file=str(number))), mirrors, policy=local)

    assert len(list((mirror(mirrors) / "objects/pack").glob("*.pack"))) <= MOST_PACKS
    assert git(mirror(mirrors), "rev-list", "--count", "main") == str(MOST_PACKS + 3)


def test_many_threads_may_fetch_the_same(repository, mirrors, local):
    commit = repository.commit(file="1")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: fetch(repository.source(commit), mirrors, policy=local), range(16)))

    assert found == [commit] * 16
    assert len(list((mirror(mirrors) / "objects/pack").glob("*.pack"))) == 1


def test_projects_have_mirrors_of_their_own(repository, mirrors, local):
    commit = repository.commit(file="1")

    fetch(repository.source(commit, mirror="one"), mirrors, policy=local)
    fetch(repository.source(commit, mirror="two"), mirrors, policy=local)

    assert {path.name for path in mirrors.glob("*.git")} == {"one.git", "two.git"}


def test_an_order_to_stop_ends_the_wait_for_the_lock(repository, mirrors, local):
    commit, stop = repository.commit(file="1"), Stop()
    mirrors.mkdir()

    with locked(mirrors / "project.lock", Bounds.of(5)):
        timer = threading.Timer(0.1, stop.order, [StopReason.CANCELLED])
        timer.start()
        with pytest.raises(CheckoutError, match="Stopped"):
            fetch(repository.source(commit), mirrors, policy=local, stop=stop)
        timer.join()


def test_the_wait_for_the_lock_has_a_limit(repository, mirrors):
    policy = GitPolicy(allow_local=True, limits=GitLimits(total_seconds=0.3))
    commit = repository.commit(file="1")
    mirrors.mkdir()

    with (
        locked(mirrors / "project.lock", Bounds.of(5)),
        pytest.raises(CheckoutError, match="too slow") as caught,
    ):
        fetch(repository.source(commit), mirrors, policy=policy)

    assert caught.value.retry is True


def test_a_folder_that_cannot_be_written_is_our_fault(repository, tmp_path, local):
    (tmp_path / "file").write_text("")

    with pytest.raises(CheckoutError, match="mirror could not be written"):
        fetch(repository.source(), tmp_path / "file/mirrors", policy=local)


@pytest.mark.parametrize("mirror", ["", "../up", "a/b", ".hidden", "-x", "a..b", "x" * 200, "a\n"])
def test_hostile_names_of_mirrors_are_refused(repository, mirrors, local, mirror):
    with pytest.raises(CheckoutError):
        fetch(repository.source("a" * 40, mirror=mirror), mirrors, policy=local)


@pytest.mark.parametrize("commit", ["HEAD", "-x", "a" * 39, "A" * 40, "a" * 40 + "\n", "--output=x", "$(id)"])
def test_hostile_commits_are_refused(repository, mirrors, local, commit):
    with pytest.raises(CheckoutError) as caught:
        fetch(repository.source(commit), mirrors, policy=local)

    assert caught.value.retry is False


@pytest.mark.parametrize(
    "ref",
    [
        "main",
        "--output=x",
        "refs/heads/--upload-pack=touch x",
        "refs/heads/-x",
        "refs/heads/../../x",
        "refs/heads/a b",
        "refs/heads/a:refs/heads/b",
        "refs/heads/*",
        "refs/heads/a\nb",
        "refs/heads/a.lock",
        "refs/heads/.a",
        "refs/heads/a//b",
        "refs/heads/a@{1}",
        "refs/heads/",
        "refs/heads/a^",
        "refs/heads/" + "x" * 400,
        "",
    ],
)
def test_hostile_refs_are_refused(repository, mirrors, local, ref):
    repository.commit(file="1")

    with pytest.raises(CheckoutError) as caught:
        fetch(repository.source(ref=ref), mirrors, policy=local)

    assert caught.value.retry is False


@pytest.mark.parametrize(
    "ref", ["refs/heads/a;id", "refs/heads/$(id)", "refs/heads/ünïcode", "refs/merge-requests/1/head"]
)
def test_odd_refs_are_still_refs(ref):
    assert is_ref(ref)
