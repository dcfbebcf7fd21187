"""A checkout is a git repository of its own, whole and apart from the mirror."""

from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest

from runners.checkout import GitLimits, GitPolicy, fetch, lay_out, layout
from runners.checkout.command import Bounds
from runners.checkout.submodules import submodules_of
from runners.contract import GitSource, Stop, StopReason
from runners.errors import CheckoutError
from tests.runners.checkout.repositories import Repository, git


@pytest.fixture
def check_out(mirrors, local, tmp_path):
    """Fetches and lays out: the folder."""

    def check_out(source, policy=local, name="checkout"):
        commit = fetch(source, mirrors, policy=policy)
        lay_out(replace(source, commit=commit), mirrors, tmp_path / name, policy=policy)
        return tmp_path / name

    return check_out


def test_the_files_are_there_and_git_finds_them_clean(repository, check_out):
    repository.commit(file="text", folder__inner="deep")

    folder = check_out(repository.source())

    assert (folder / "file").read_text() == "text"
    assert (folder / "folder/inner").read_text() == "deep"
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "fsck", "--full") == ""


def test_a_branch_build_stands_on_its_branch(repository, check_out):
    commit = repository.commit(file="1")

    folder = check_out(repository.source(commit))

    assert git(folder, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(folder, "rev-parse", "HEAD", "origin/main", "@{upstream}").split() == [commit] * 3
    assert git(folder, "remote", "get-url", "origin") == str(repository.bare)


def test_an_older_commit_of_the_branch_can_be_laid_out(repository, check_out):
    old = repository.commit(file="old")
    repository.commit(file="new")

    folder = check_out(repository.source(old))

    assert (folder / "file").read_text() == "old"
    assert git(folder, "rev-parse", "HEAD") == old


@pytest.mark.parametrize("ref", ["refs/tags/v1", "refs/pull/7/head"])
def test_other_builds_stand_on_the_commit(repository, check_out, ref):
    commit = repository.commit(file="1")
    repository.tag("v1")
    repository.push("HEAD:refs/pull/7/head")

    folder = check_out(repository.source(commit, ref=ref))

    assert git(folder, "rev-parse", "HEAD") == commit
    assert (folder / ".git/HEAD").read_text().strip() == commit


def test_describe_finds_the_tags(repository, check_out):
    repository.commit(file="1")
    repository.tag("v1.0", annotated=True)
    repository.commit(file="2")

    assert git(check_out(repository.source()), "describe", "--tags").startswith("v1.0-1-g")


def test_the_checkout_shares_no_file_with_the_mirror(repository, mirrors, check_out):
    repository.commit(file="1")
    folder = check_out(repository.source())

    files = [path for path in folder.rglob("*") if path.is_file()]

    assert files
    assert all(path.stat().st_nlink == 1 for path in files)
    assert not (folder / ".git/objects/info/alternates").exists()
    own = {path.stat().st_ino for path in files}
    assert own.isdisjoint(path.stat().st_ino for path in mirrors.rglob("*"))


def test_it_works_after_the_mirror_is_gone(repository, mirrors, check_out):
    repository.commit(file="1")
    folder = check_out(repository.source())
    mirrors.rename(mirrors.with_name("moved"))

    assert git(folder, "log", "--oneline").endswith("Change")
    git(folder, "commit", "-q", "--allow-empty", "-m", "From a step")


def test_a_branch_with_an_odd_name(repository, check_out):
    repository.commit(file="1")
    name = 'feature/$(id);"ü'
    repository.push(f"HEAD:refs/heads/{name}")

    folder = check_out(repository.source(ref=f"refs/heads/{name}"))

    assert git(folder, "symbolic-ref", "--short", "HEAD") == name


def test_a_sha256_repository(tmp_path, check_out):
    repository = Repository(tmp_path, "new", object_format="sha256")
    commit = repository.commit(file="1")

    assert git(check_out(repository.source(commit)), "rev-parse", "HEAD") == commit


def test_executable_files_and_links_are_kept(repository, check_out):
    os.symlink("/etc/passwd", repository.work / "link")
    (repository.work / "run").write_text("#!/bin/sh\n")
    (repository.work / "run").chmod(0o755)
    repository.commit()

    folder = check_out(repository.source())

    assert os.readlink(folder / "link") == "/etc/passwd"
    assert stat.S_IMODE((folder / "run").stat().st_mode) & 0o111


def test_hooks_filters_and_monitors_of_the_repository_do_not_run(repository, check_out, tmp_path):
    marker = tmp_path / "ran"
    hook = repository.work / ".githooks/post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    (repository.work / ".gitattributes").write_text("* filter=lfs diff=x merge=y\n")
    (repository.work / ".lfsconfig").write_text("[lfs]\n\turl = ext::touch\n")
    (repository.work / ".gitconfig").write_text(f"[core]\n\tfsmonitor = touch {marker}\n")
    repository.commit(file="1")

    folder = check_out(repository.source())

    assert (folder / "file").read_text() == "1"
    assert not marker.exists()


def test_a_large_mirror_gives_a_shallow_checkout_with_its_nearest_tag(repository, check_out, monkeypatch):
    monkeypatch.setattr(layout, "MOST_COPIED_BYTES", 0)
    monkeypatch.setattr(layout, "LEAST_DEPTH", 2)
    repository.commit(file="0")
    repository.tag("v1.0")
    for number in range(1, 5):
        commit = repository.commit(file=str(number))

    folder = check_out(repository.source(commit))

    assert git(folder, "describe", "--tags").startswith("v1.0-4-g")
    assert git(folder, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(folder, "rev-parse", "origin/main") == commit
    assert git(folder, "status", "--porcelain") == ""


def test_a_large_mirror_without_tags_gives_the_newest_history(repository, check_out, monkeypatch):
    monkeypatch.setattr(layout, "MOST_COPIED_BYTES", 0)
    monkeypatch.setattr(layout, "LEAST_DEPTH", 2)
    for number in range(5):
        repository.commit(file=str(number))

    assert git(check_out(repository.source()), "rev-list", "--count", "HEAD") == "2"


def test_a_commit_that_was_not_fetched(repository, mirrors, local, tmp_path):
    fetch(repository.source(repository.commit(file="1")), mirrors, policy=local)

    with pytest.raises(CheckoutError):
        lay_out(repository.source("f" * 40), mirrors, tmp_path / "x", policy=local)


def test_an_order_to_stop_is_heard(repository, mirrors, local, tmp_path):
    source = repository.source(repository.commit(file="1"))
    fetch(source, mirrors, policy=local)
    stop = Stop()
    stop.order(StopReason.CANCELLED)

    with pytest.raises(CheckoutError, match="Stopped"):
        lay_out(source, mirrors, tmp_path / "x", policy=local, stop=stop)


class TestSubmodules:
    """Laid out with the rest, from mirrors of their own, under the same policy."""

    @pytest.fixture
    def library(self, tmp_path) -> Repository:
        library = Repository(tmp_path, "library")
        library.commit(code="library")
        return library

    @pytest.fixture
    def with_submodule(self, repository, library):
        """Commits a submodule with the given address and path."""

        def add(url=str(library.bare), path="vendor/library", source=library):
            commit = git(source.work, "rev-parse", "HEAD")
            text = f'[submodule "x"]\n\tpath = {path}\n\turl = {url}\n'
            (repository.work / ".gitmodules").write_text(text)
            git(repository.work, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/library")
            git(repository.work, "add", ".gitmodules")
            git(repository.work, "commit", "-q", "-m", "Add a submodule")
            repository.push("HEAD")
            return repository.source()

        return add

    def test_its_files_are_there(self, with_submodule, check_out):
        folder = check_out(with_submodule())

        assert (folder / "vendor/library/code").read_text() == "library"
        assert git(folder, "status", "--porcelain") == ""
        assert git(folder, "submodule", "status").split()[1] == "vendor/library"

    @pytest.mark.parametrize("url", ["../library.git", "./../library.git"])
    def test_a_relative_address_is_the_parents_neighbour(self, with_submodule, check_out, url):
        assert (check_out(with_submodule(url)) / "vendor/library/code").exists()

    def test_submodules_of_submodules(self, tmp_path, with_submodule, library, check_out):
        inner = Repository(tmp_path, "inner")
        commit = inner.commit(core="inner")
        (library.work / ".gitmodules").write_text(f'[submodule "i"]\n\tpath = inner\n\turl = {inner.bare}\n')
        git(library.work, "update-index", "--add", "--cacheinfo", f"160000,{commit},inner")
        git(library.work, "add", ".gitmodules")
        git(library.work, "commit", "-q", "-m", "Nest")
        library.push("HEAD")

        assert (check_out(with_submodule()) / "vendor/library/inner/core").read_text() == "inner"

    def test_nesting_has_an_end(self, with_submodule, check_out, monkeypatch):
        monkeypatch.setattr(layout, "MOST_SUBMODULE_DEPTH", 0)

        with pytest.raises(CheckoutError, match="nested too deeply"):
            check_out(with_submodule())

    def test_its_address_is_judged_like_the_first(self, with_submodule, check_out, tmp_path):
        marker = tmp_path / "ran"
        for url in (f"ext::touch {marker}", "http://127.0.0.1:1/x.git", "--upload-pack=touch x", "https://127.0.0.1/x"):
            with pytest.raises(CheckoutError, match=r"Submodule vendor/library|damaged or dangerous"):
                check_out(with_submodule(url), name=f"checkout-{len(url)}")
        assert not marker.exists()

    @pytest.mark.parametrize("path", ["../out", "/etc"])
    def test_paths_that_lead_out_are_refused(self, with_submodule, check_out, path, tmp_path):
        with pytest.raises(CheckoutError, match="outside of the repository"):
            check_out(with_submodule(path=path))

        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("path", [".git/hooks", ".GIT", "", "elsewhere", "*", ":(glob)**"])
    def test_paths_where_no_submodule_is_are_left_alone(self, with_submodule, check_out, path):
        folder = check_out(with_submodule(path=path))

        assert list((folder / "vendor/library").iterdir()) == []

    def test_an_update_command_is_never_run(self, repository, with_submodule, check_out, tmp_path):
        with_submodule()
        git(repository.work, "config", "--file", ".gitmodules", "submodule.x.update", f"!touch {tmp_path}/ran")
        repository.commit("Hostile")

        with pytest.raises(CheckoutError, match="damaged or dangerous") as caught:
            check_out(repository.source())

        assert caught.value.retry is False
        assert not (tmp_path / "ran").exists()

    def test_only_the_same_host_gets_the_key(self, mirrors, tmp_path):
        work = Repository(tmp_path, "hosts").work
        urls = {
            "same": "git@git.example.com:team/a.git",
            "other": "git@evil.example.net:team/b.git",
            "near": "../c.git",
        }
        text = "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n' for name, url in urls.items())
        (work / ".gitmodules").write_text(text)
        for name in urls:
            (work / name).mkdir()
            git(work, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},{name}")
        parent = GitSource(
            url="git@git.example.com:team/app.git",
            commit="b" * 40,
            ref="refs/heads/main",
            mirror="p",
            private_key="KEY",
        )

        found = {one.path: one.source for one in submodules_of(parent, work, Bounds.of(10))}

        assert {name: source.private_key for name, source in found.items()} == {
            "same": "KEY",
            "other": "",
            "near": "KEY",
        }
        assert found["near"].url == "git@git.example.com:team/c.git"
        assert len({source.mirror for source in found.values()}) == 3
        # What a stranger writes into .gitmodules opens nothing with the key.
        of_a_stranger = submodules_of(replace(parent, is_strangers=True), work, Bounds.of(10))
        assert {one.source.private_key for one in of_a_stranger} == {""}
        assert all(one.source.is_strangers for one in of_a_stranger)


def test_limits_hold_for_the_layout_too(repository, mirrors, local, tmp_path):
    source = repository.source(repository.commit(file="1"))
    fetch(source, mirrors, policy=local)
    policy = GitPolicy(allow_local=True, limits=GitLimits(total_seconds=0))

    with pytest.raises(CheckoutError, match="too long"):
        lay_out(source, mirrors, tmp_path / "x", policy=policy)
