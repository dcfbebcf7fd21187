"""What of a checkout is sent, whatever a stranger put into it."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile

import pytest

from runners.targets.contract import TargetError
from runners.targets.files import gather, opened, write_tar, write_zip


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    for name, text in {
        "app.py": "app",
        "bin/start": "start",
        "dist/index.html": "page",
        "dist/js/a.js": "code",
        ".git/config": "secret",
        ".env": "local",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "bin/start").chmod(0o775)
    return root


def paths(files):
    return [file.path for file in files.files]


def in_tar(files):
    packed = io.BytesIO()
    write_tar(files, packed)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        return {entry.name: entry for entry in archive}, {
            entry.name: archive.extractfile(entry).read() for entry in archive if entry.isfile()
        }


def test_everything_but_git(checkout):
    assert paths(gather(checkout)) == [".env", "app.py", "bin/start", "dist/index.html", "dist/js/a.js"]


def test_a_folder_of_it_is_sent_as_if_it_were_all(checkout):
    assert paths(gather(checkout, "dist/")) == ["index.html", "js/a.js"]
    assert paths(gather(checkout, "./dist")) == ["index.html", "js/a.js"]


def test_patterns_leave_out(checkout):
    assert paths(gather(checkout, ".", [".env", "dist/**/*.js", "bin"])) == ["app.py", "dist/index.html"]


@pytest.mark.parametrize("folder", ["/etc", "../other", "dist/../..", "d*", "a\0"])
def test_a_folder_outside_is_refused(checkout, folder):
    with pytest.raises(TargetError, match="no folder of the checkout"):
        gather(checkout, folder)


@pytest.mark.parametrize("folder", ["build", "app.py"])
def test_a_folder_without_files_is_a_mistake(checkout, folder):
    with pytest.raises(TargetError, match=f"no files in “{folder}” to deploy"):
        gather(checkout, folder)


def test_an_impossible_pattern_is_told(checkout):
    with pytest.raises(TargetError, match="a path lies in the checkout"):
        gather(checkout, ".", ["../x"])


def test_links_stay_links_and_those_that_lead_out_are_left_out(checkout):
    (checkout / "dist/current").symlink_to("js/a.js")
    (checkout / "dist/up").symlink_to("../app.py")
    (checkout / "dist/js/side").symlink_to("../index.html")
    (checkout / "passwd").symlink_to("/etc/passwd")
    (checkout / "dist/etc").symlink_to("/etc")
    (checkout / "dist/tricky").symlink_to("js/../../..")

    whole, dist = gather(checkout), gather(checkout, "dist")

    assert whole.left_out == ("dist/etc", "dist/tricky", "passwd")
    assert dist.left_out == ("etc", "tricky", "up")
    entries, contents = in_tar(dist)
    assert entries["current"].linkname == "js/a.js"
    assert entries["js/side"].linkname == "../index.html"
    assert b"root:" not in b"".join(contents.values())


def test_a_folder_that_is_a_link_is_not_walked(checkout, tmp_path):
    (tmp_path / "host").mkdir()
    (tmp_path / "host/key").write_text("key")
    (checkout / "public").symlink_to(tmp_path / "host")

    with pytest.raises(TargetError, match="no files in “public”"):
        gather(checkout, "public")


def test_a_file_that_became_a_link_meanwhile_is_not_followed(checkout):
    files = gather(checkout, "dist")
    (checkout / "dist/index.html").unlink()
    (checkout / "dist/index.html").symlink_to("/etc/passwd")

    with pytest.raises(TargetError, match="index.html cannot be read"):
        write_tar(files, io.BytesIO())


def test_pipes_and_sockets_are_nothing_to_send(checkout):
    os.mkfifo(checkout / "dist/pipe")

    assert paths(gather(checkout, "dist")) == ["index.html", "js/a.js"]


def test_a_tar_tells_permissions_and_nothing_of_this_machine(checkout):
    entries, contents = in_tar(gather(checkout))

    assert contents["app.py"] == b"app"
    assert {name: entry.mode for name, entry in entries.items() if name in ("app.py", "bin/start")} == {
        "app.py": 0o644,
        "bin/start": 0o755,
    }
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries.values()} == {(0, 0, "", "")}


def test_a_zip_is_the_same_for_the_same_files(checkout):
    (checkout / "dist/link").symlink_to("index.html")

    def packed():
        target = io.BytesIO()
        write_zip(gather(checkout), target, prefix="app/")
        return target.getvalue()

    first = packed()
    os.utime(checkout / "app.py", (1, 1))
    assert packed() == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.read("app/app.py") == b"app"
        assert archive.getinfo("app/bin/start").external_attr >> 16 == 0o100755
        assert archive.getinfo("app/dist/link").external_attr >> 28 == 0o12
        assert archive.testzip() is None


def test_a_file_is_opened_with_its_permissions(checkout):
    files = gather(checkout, "bin")

    with opened(files, files.files[0]) as (source, mode):
        assert (source.read(), mode, files.size) == (b"start", 0o755, 5)
