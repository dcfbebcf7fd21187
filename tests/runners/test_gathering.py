"""Files of a checkout by patterns; and as one bundle, there and back."""

from __future__ import annotations

import io
import os
import tarfile

import pytest
import zstandard

from runners.bundle import BrokenBundleError, pack, unpack
from runners.errors import SpecError
from runners.gathering import Most, check_pattern, find, open_beneath

MOST = Most(files=100, bytes=1 << 20)


@pytest.fixture
def checkout(tmp_path):
    """A few files, a link that leads out, and what git keeps."""
    root = tmp_path / "checkout"
    for path in ("dist/a.whl", "dist/deep/b.txt", "report.xml", "src/x.py", "src/deep/er/y.py", ".git/config", "[x]"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / "out").symlink_to("/etc")
    (root / "dist/passwd").symlink_to("/etc/passwd")
    (root / "dist/same").symlink_to("a.whl")
    os.mkfifo(root / "dist/pipe")
    return root


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("dist/**", ["dist/a.whl", "dist/deep/b.txt"]),
        ("dist", ["dist/a.whl", "dist/deep/b.txt"]),
        ("./dist/", ["dist/a.whl", "dist/deep/b.txt"]),
        ("dist/*", ["dist/a.whl", "dist/deep/b.txt"]),
        ("*.xml", ["report.xml"]),
        ("**/*.py", ["src/deep/er/y.py", "src/x.py"]),
        ("src/**/?.py", ["src/deep/er/y.py", "src/x.py"]),
        ("src/**/er/*.py", ["src/deep/er/y.py"]),
        ("**", ["[x]", "dist/a.whl", "dist/deep/b.txt", "report.xml", "src/deep/er/y.py", "src/x.py"]),
        ("[x]", ["[x]"]),
        ("out/passwd", []),
        (".git/config", []),
        ("nothing*", []),
    ],
)
def test_patterns(checkout, pattern, paths):
    assert [one.path for one in find(checkout, [pattern], MOST)] == paths


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../x", "a/../../x", "~/x", "", "a" * 301, "a\0"])
def test_what_leads_out_is_refused(checkout, pattern):
    assert check_pattern(pattern)
    with pytest.raises(SpecError):
        find(checkout, [pattern], MOST)


def test_too_much_is_said(checkout):
    with pytest.raises(SpecError, match="more than 2 files"):
        find(checkout, ["**"], Most(files=2, bytes=1000))
    with pytest.raises(SpecError, match="0 MiB"):
        find(checkout, ["**"], Most(files=20, bytes=10))


def test_a_file_that_became_a_link_is_not_opened(checkout):
    with open_beneath(checkout, "dist/a.whl") as file:
        assert file.read() == b"dist/a.whl"
    for path in ("dist/passwd", "out/passwd", "dist/pipe", "dist"):
        with pytest.raises(OSError, match=r"."):
            open_beneath(checkout, path)


def test_a_bundle_there_and_back(checkout, tmp_path):
    target, other = io.BytesIO(), tmp_path / "other"
    other.mkdir()
    (checkout / "src/x.py").chmod(0o750)
    (checkout / "dist/up").symlink_to("../../x")
    found = find(checkout, ["dist", "src"], MOST, links=True)
    assert (len(found), pack(checkout, found, target)) == (7, 5)
    target.seek(0)
    assert unpack(other, target, most_bytes=1 << 20) == 5
    assert (other / "dist/same").read_text() == "dist/a.whl"
    assert (other / "src/x.py").stat().st_mode & 0o777 == 0o750


def hostile(*entries, data=b"x"):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for entry in entries:
            entry.size = len(data) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(data))
    return io.BytesIO(zstandard.compress(target.getvalue()))


def entry(name, **fields):
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


@pytest.mark.parametrize(
    "bundle",
    [
        hostile(entry("../out")),
        hostile(entry("link", type=tarfile.SYMTYPE, linkname="/etc"), entry("link/x")),
        hostile(entry("link", type=tarfile.SYMTYPE, linkname=".."), entry("link/x")),
        hostile(entry("device", type=tarfile.CHRTYPE)),
        hostile(entry("out/x")),
        hostile(entry("large"), data=b"0" * (2 << 20)),
        io.BytesIO(b"no bundle"),
        io.BytesIO(zstandard.compress(b"no tar")),
        io.BytesIO(hostile(entry("a"), data=os.urandom(3000)).getvalue()[:-200]),
    ],
)
def test_nothing_is_written_outside(tmp_path, bundle):
    root = tmp_path / "a" / "root"
    root.mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(BrokenBundleError):
        unpack(root, bundle, most_bytes=1 << 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["root"]
