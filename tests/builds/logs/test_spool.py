"""The spool keeps the head, and of the rest the newest, whatever comes in whatever pieces; a full disk leaves holes."""

from __future__ import annotations

import errno
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builds.logs import spool
from builds.logs.spool import Cursor, Spool

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stretches(kept: Spool) -> list[tuple[Cursor, bytes]]:
    """Everything the spool still has, joined where it is contiguous."""
    found: list[tuple[Cursor, bytes]] = []
    cursor = Cursor()
    while True:
        start, data = kept.read(cursor, 1000)
        if not data:
            return found
        if found and found[-1][0].after(found[-1][1]).byte == start.byte:
            found[-1] = (found[-1][0], found[-1][1] + data)
        else:
            found.append((start, data))
        cursor = start.after(data)


def check_places(printed: bytes, found: list[tuple[Cursor, bytes]]) -> None:
    for start, data in found:
        assert printed[start.byte : start.byte + len(data)] == data
        assert start.line == printed[: start.byte].count(b"\n")
        if start.starts_line:
            assert start.byte == 0 or printed[start.byte - 1 : start.byte] == b"\n"


@relaxed
@given(st.lists(st.binary(max_size=3000) | st.sampled_from([b"a line\n" * 40, b"\n", b"x" * 700]), max_size=60))
def test_head_and_newest_are_kept_at_their_true_places(tmp_path, chunks):
    cap, printed = 8000, b"".join(chunks)
    kept = Spool(tmp_path, cap)
    slack, spool.HEAD_SLACK_BYTES = spool.HEAD_SLACK_BYTES, 500
    try:
        for chunk in chunks:
            kept.write(chunk)
        found = stretches(kept)
        check_places(printed, found)
        assert kept.end == Cursor().after(printed) or not printed
        assert len(found) <= 2
        if len(printed) <= cap:
            assert b"".join(data for _, data in found) == printed
        else:
            assert len(found[0][1]) >= cap // 2
            assert found[-1][0].after(found[-1][1]).byte == len(printed)
            assert sum(len(data) for _, data in found) <= cap + 500
    finally:
        kept.close()
        spool.HEAD_SLACK_BYTES = slack


def test_whole_lines_are_kept_on_both_sides_of_the_gap(tmp_path):
    kept = Spool(tmp_path, 10_000)
    for number in range(5000):
        kept.write(b"line %d\n" % number)
    (_, head_data), (tail, tail_data) = stretches(kept)
    kept.close()
    assert 5000 <= len(head_data) < 5010
    assert head_data.endswith(b"\n")
    assert tail.starts_line
    assert tail_data.startswith(b"line %d\n" % tail.line)
    assert tail_data.endswith(b"line 4999\n")


def test_a_full_disk_leaves_holes_that_say_where_they_are(tmp_path, monkeypatch):
    kept, write = Spool(tmp_path, 1_000_000), os.pwrite
    printed = [b"line %d\n" % number for number in range(100)]

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for number, line in enumerate(printed):
        monkeypatch.setattr(spool.os, "pwrite", full if 20 <= number < 50 or number == 70 else write)
        kept.write(line)
    found = stretches(kept)
    is_whole = kept.is_whole
    kept.close()
    assert not is_whole
    check_places(b"".join(printed), found)
    assert [data for _, data in found] == [b"".join(printed[a:b]) for a, b in ((0, 20), (50, 70), (71, 100))]


def test_no_disk_at_all_is_one_hole(tmp_path):
    (tmp_path / "file").write_text("in the way")
    kept = Spool(tmp_path / "file" / "spool", 1000)
    kept.write(b"one\ntwo\n")
    assert kept.read(Cursor(), 100) == (Cursor(8, 2), b"")
    assert not kept.is_whole
    kept.close()


def test_the_newest_begins_at_a_line(tmp_path):
    kept = Spool(tmp_path, 1_000_000)
    kept.write(b"".join(b"line %d\n" % number for number in range(1000)))
    cursor = kept.newest(100)
    start, data = kept.read(cursor, 1000)
    kept.close()
    assert start == cursor
    assert data.startswith(b"line %d\n" % cursor.line)
    assert len(data) <= 100
