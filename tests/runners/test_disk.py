"""Room on the disk: it is measured, and mirrors that nobody uses make way for it, the longest unused first."""

from __future__ import annotations

import os

import pytest

from runners.checkout.command import Bounds
from runners.checkout.locks import locked
from runners.disk import drop_mirrors, free_mb, tightest


@pytest.fixture
def mirrors(tmp_path):
    """Three mirrors, the first the longest unused."""
    for age, name in enumerate(("c", "b", "a")):
        packs = tmp_path / "mirrors" / f"{name}.git" / "objects" / "pack"
        packs.mkdir(parents=True)
        os.utime(packs, (1_000_000 - age, 1_000_000 - age))
    return tmp_path / "mirrors"


def left(mirrors) -> list[str]:
    return sorted(path.stem for path in mirrors.glob("*.git"))


def test_room_is_measured_where_the_folder_will_be(tmp_path):
    assert free_mb(tmp_path / "not" / "there") > 0
    assert tightest([tmp_path, tmp_path / "x"])[1] == pytest.approx(free_mb(tmp_path), abs=200)


def test_mirrors_go_until_it_is_enough(mirrors):
    assert drop_mirrors(mirrors, lambda: len(left(mirrors)) <= 1) == 2
    assert left(mirrors) == ["c"]


def test_a_mirror_in_use_stays(mirrors):
    with locked(mirrors / "a.lock", Bounds.of(5)):
        assert drop_mirrors(mirrors, lambda: False) == 2
    assert left(mirrors) == ["a"]


def test_where_there_is_nothing_nothing_goes(tmp_path):
    assert drop_mirrors(tmp_path / "mirrors", lambda: False) == 0
