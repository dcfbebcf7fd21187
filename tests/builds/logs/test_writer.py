"""What is printed is what is read, in any chunking; the cap keeps head and tail and counts the rest exactly."""

from __future__ import annotations

import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builds.logs import live, read, segments
from builds.logs.spool import Cursor
from builds.logs.store import LogTotals, NotStored, Store
from builds.states import Status
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
output = st.lists(
    st.one_of(
        st.binary(max_size=60), st.sampled_from([b"\n", b"line\n", b"\r", b"\x00", b"\x1b[31m", "é".encode()[:1]])
    ),
    max_size=40,
)


def printed_lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return parts[:-1] if parts[-1] == b"" else parts


@relaxed
@given(output)
def test_any_bytes_in_any_chunking_come_back(make_step, print_log, chunks):
    step, data = make_step(), b"".join(chunks)
    totals = print_log(step, *chunks)
    assert b"".join(read.raw(step)) == data
    expected = printed_lines(data)
    assert totals == LogTotals(len(expected), len(data), 0, complete=True)
    assert [row.data for row in read.lines(step, 1, 1000).rows] == expected


@relaxed
@given(st.lists(st.binary(max_size=900) | st.sampled_from([b"some line\n" * 30, b"\n" * 50, b"y" * 800]), max_size=40))
def test_over_the_cap_head_and_tail_are_kept_and_the_gap_is_exact(make_step, print_log, chunks):
    step, printed = make_step(), b"".join(chunks)
    totals = print_log(step, *chunks, cap_bytes=4000)
    assert (totals.bytes, totals.lines, totals.complete) == (len(printed), len(printed_lines(printed)), True)
    stored = [(s.first_byte, s.first_byte + s.byte_count) for s in step.segments.all()]
    missing, place = [], 0
    for start, end in stored:
        assert printed[:start].count(b"\n") == step.segments.get(first_byte=start).first_line
        missing += [(place, start)] if start > place else []
        place = end
    assert place == len(printed)
    assert len(missing) <= 1
    left_out = 0
    for start, end in missing:
        touched = range(printed[:start].count(b"\n"), printed[: end - 1].count(b"\n") + 1)
        left_out = len(touched)
    assert totals.omitted_lines == left_out
    if missing:
        marker = (
            f"... {left_out} line{'' if left_out == 1 else 's'} omitted ({missing[0][1] - missing[0][0]} bytes) ...\n"
        )
        before = printed[: missing[0][0]]
        newline = b"" if not before or before.endswith(b"\n") else b"\n"
        assert b"".join(read.raw(step)) == before + newline + marker.encode() + printed[missing[0][1] :]
    else:
        assert b"".join(read.raw(step)) == printed


def test_a_log_is_whole_without_redis(make_step, print_log, settings):
    settings.REDIS_URL = "unix:///nowhere/at/all"
    step = make_step()
    printed = [b"line %d\n" % number for number in range(3000)]
    assert print_log(step, *printed).complete
    assert b"".join(read.raw(step)) == b"".join(printed)


def test_the_row_has_the_totals(make_step, print_log):
    step = make_step()
    print_log(step, b"one\n", b"two")
    step.refresh_from_db()
    assert (step.log_lines, step.log_bytes, step.log_omitted_lines) == (2, 7, 0)
    assert step.log_complete
    assert step.log_ended


def test_a_step_that_prints_nothing_has_an_empty_whole_log(make_step, print_log):
    step = make_step()
    assert print_log(step) == LogTotals(0, 0, 0, complete=True)
    assert read.lines(step, 1, 10).rows == ()
    assert b"".join(read.raw(step)) == b""


def test_viewers_see_output_long_before_it_is_stored(make_step, make_writer):
    step = make_step()
    writer = make_writer(step)
    writer.write(b"first\nsec")
    seen = wait_until(lambda: read.lines(step, 1, 10).rows, what="the live tail")
    assert [(line.number, line.data, line.is_finished) for line in seen] == [(1, b"first", True), (2, b"sec", False)]
    assert not step.segments.exists()


def test_long_output_is_stored_while_it_runs(make_step, make_writer):
    step, block = make_step(), b"z" * 99 + b"\n"
    writer = make_writer(step)
    for _ in range(300):
        writer.write(block * 100)
    wait_until(lambda: step.segments.count() >= 2, what="two segments")
    wait_until(lambda: b"".join(read.raw(step)) == block * 30_000, what="the whole log")
    assert writer.close().complete
    assert b"".join(read.raw(step)) == block * 30_000


class Lost(Exception):
    """What a guard says no with."""


def test_a_ghost_writes_nothing_more(make_step, make_writer):
    step, ours = make_step(), [True]

    def guard() -> None:
        if not ours[0]:
            raise Lost

    writer = make_writer(step, guard=guard)
    writer.write(b"n" * 99 + b"\n")
    ours[0] = False
    totals = writer.close()
    step.refresh_from_db()
    assert not totals.complete
    assert not step.log_ended
    assert not step.segments.exists()
    assert not list(Path(default_storage.location).rglob("*.zst"))


def test_a_storage_that_fails_for_a_while_loses_nothing(make_step, make_writer, monkeypatch):
    step, store, failures = make_step(), segments.store, [3]

    def flaky(*arguments: object) -> str:
        if failures[0]:
            failures[0] -= 1
            raise OSError("storage is away")
        return store(*arguments)

    monkeypatch.setattr(segments, "store", flaky)
    writer = make_writer(step)
    writer.write(b"kept\n")
    assert writer.close().complete
    assert b"".join(read.raw(step)) == b"kept\n"


def test_a_storage_that_stays_away_costs_the_log_and_says_so(make_step, make_writer, monkeypatch):
    def away(*_: object) -> str:
        raise OSError("storage is away")

    monkeypatch.setattr(segments, "store", away)
    step = make_step()
    writer = make_writer(step, patience_seconds=0.2)
    writer.write(b"one\ntwo\n")
    totals = writer.close()
    assert totals == LogTotals(2, 8, 0, complete=False)
    assert b"".join(read.raw(step)).startswith(b"one\ntwo\n"), "for an hour the live tail still has it"
    live.trim(step.uuid, totals.bytes)
    assert b"".join(read.raw(step)) == b"... 2 lines lost (8 bytes) ...\n"


def test_a_row_written_by_a_try_of_which_we_heard_nothing_is_not_written_twice(make_step, make_writer):
    def deaf() -> None:
        if answers_lost and (lost := answers_lost.pop()):
            transaction.on_commit(lost)

    def away() -> None:
        raise OperationalError("the answer to COMMIT was lost")

    step, answers_lost = make_step(), [away]
    writer = make_writer(step, guard=deaf)
    writer.write(b"same\n")
    totals = writer.close(exit_code=3)
    step.refresh_from_db()
    assert (totals.complete, writer.has_ended, answers_lost) == (True, True, [])
    assert (step.segments.count(), step.log_ended, step.exit_code) == (1, True, 3)
    assert b"".join(read.raw(step)) == b"same\n"


def test_another_row_in_its_place_is_an_error(make_step):
    step = make_step()
    one, other = Store(step, lambda: None), Store(step, lambda: None)
    one.put(Cursor(), b"one\n", [])
    other.put(Cursor(4, 1), b"other\n", [])
    one.save()
    for _ in range(2):
        with pytest.raises(NotStored):
            other.save()


def test_the_last_segment_and_the_end_are_one_change(make_step, make_writer):
    step, transactions = make_step(), []
    writer = make_writer(step, guard=lambda: transactions.append(step.segments.count()))
    writer.write(b"only line\n")
    writer.close(status=Status.PASSED)
    step.refresh_from_db()
    assert transactions == [0]
    assert (step.segments.count(), step.log_ended, step.status) == (1, True, Status.PASSED)


def test_where_the_job_is_another_s_nothing_is_written(make_step, make_writer):
    def not_ours() -> None:
        raise RuntimeError("lost")

    step = make_step()
    writer = make_writer(step, guard=not_ours)
    writer.write(b"of a ghost\n")
    writer.close(status=Status.PASSED)
    step.refresh_from_db()
    assert (writer.has_ended, step.status, step.log_ended, step.segments.count()) == (False, Status.RUNNING, False, 0)
    assert not default_storage.exists(f"logs/{step.uuid}") or default_storage.listdir(f"logs/{step.uuid}")[1] == []


def test_lines_know_when_they_were_printed(make_step, make_writer, monkeypatch):
    step, now = make_step(), [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    writer = make_writer(step)
    for text, seconds in ((b"a\nb\nc", 1_000.0), (b"c\nd\n", 1_005.0), (b"e\n", 1_005.05), (b"f\n", 1_009.0)):
        now[0] = seconds
        writer.write(text)
    writer.close()
    assert [line.ms for line in read.lines(step, 1, 10).rows] == [1_000_000] * 3 + [1_005_000] * 2 + [1_009_000]


@pytest.mark.parametrize(
    ("name", "chunk", "count"),
    [("lines", b"a line of some forty-odd bytes, like many\n" * 780, 1300), ("one line", b"x" * 32_768, 1600)],
)
def test_memory_stays_small_whatever_is_printed(make_step, make_writer, name, chunk, count):
    step = make_step()
    writer = make_writer(step)
    tracemalloc.start()
    try:
        for _ in range(count):
            writer.write(chunk)
        totals = writer.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert totals == LogTotals(max(chunk.count(b"\n") * count, 1), len(chunk) * count, 0, complete=True)
    assert peak < 20_000_000
    crc = 0
    for data in read.raw(step):
        crc = zlib.crc32(data, crc)
    expected = 0
    for _ in range(count):
        expected = zlib.crc32(chunk, expected)
    assert crc == expected


def test_two_hundred_megabytes_keep_head_and_tail(make_step, make_writer):
    step, line = make_step(), b"%010d and a little more on this line of output\n"
    writer, number = make_writer(step, cap_bytes=4 * 1024 * 1024), 0
    for _ in range(200):
        writer.write(b"".join(line % n for n in range(number, number + 20_000)))
        number += 20_000
    totals = writer.close()
    kept = [row for row in b"".join(read.raw(step)).split(b"\n") if row]
    marker = kept.index(next(row for row in kept if row.startswith(b"...")))
    assert kept[:marker] == [(line % n)[:-1] for n in range(marker)]
    tail = len(kept) - marker - 1
    assert kept[marker + 1 :] == [(line % n)[:-1] for n in range(number - tail, number)]
    assert totals.omitted_lines == number - marker - tail
    assert totals.complete
