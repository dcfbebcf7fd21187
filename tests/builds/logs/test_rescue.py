"""When a runner is lost, what Redis still has is saved, and the log says whether it is whole."""

from __future__ import annotations

import pytest

from builds.logs import live, read
from builds.logs.live import Chunk
from builds.logs.rescue import rescue
from builds.logs.spool import Cursor
from builds.logs.store import Store
from builds.states import Status

pytestmark = pytest.mark.django_db(transaction=True)


def stored(step) -> None:
    store = Store(step, lambda: None)
    store.put(Cursor(), b"stored\n", [(0, 1)])
    store.save()


def put(step, data: bytes, offset: int = 0, line: int = 0, ms: int = 1) -> Chunk:
    chunk = Chunk(offset, line, True, ms, data)
    assert live.append(step.uuid, [chunk])
    return chunk


def test_the_tail_is_saved_and_its_end_is_in_doubt(make_step):
    step = make_step()
    stored(step)
    put(step, b"stored\nand live\n", ms=77)
    put(step, b"unfini", offset=16, line=2)
    rescue(step)
    assert (step.log_lines, step.log_bytes, step.log_complete, step.log_ended) == (3, 22, False, True)
    live.trim(step.uuid, 100)
    step.status = Status.ERRORED
    step.save()
    rows = read.lines(step, 1, 10).rows
    assert [row.data for row in rows[:3]] == [b"stored", b"and live", b"unfini"]
    assert rows[1].ms == 77
    assert "may be missing" in rows[3].text
    assert b"".join(read.raw(step)).startswith(b"stored\nand live\nunfini\n... the end of this log may be missing")


def test_a_log_whose_writer_had_ended_it_is_whole(make_step):
    step = make_step()
    put(step, b"all of it\n")
    live.close(step.uuid, 10)
    rescue(step)
    assert (step.log_complete, step.log_lines) == (True, 1)
    assert b"".join(read.raw(step)) == b"all of it\n"


def test_what_redis_lost_is_said_to_be_lost(make_step):
    step = make_step()
    put(step, b"one\n")
    put(step, b"four\n", offset=14, line=3)
    live.close(step.uuid, 19)
    rescue(step)
    assert not step.log_complete
    assert b"".join(read.raw(step)) == b"one\n... 2 lines lost (10 bytes) ...\nfour\n"


def test_without_redis_the_segments_remain(make_step, settings):
    step = make_step()
    stored(step)
    settings.REDIS_URL = "unix:///nowhere/at/all"
    rescue(step)
    assert (step.log_lines, step.log_complete, step.log_ended) == (1, False, True)
    assert b"".join(read.raw(step)).startswith(b"stored\n... the end")


def test_a_second_rescue_and_an_ended_log_are_left_alone(make_step, print_log):
    step, ended = make_step(), make_step()
    put(step, b"one\n")
    rescue(step)
    put(step, b"a ghost speaks\n", offset=4, line=1)
    rescue(step)
    assert step.log_bytes == 4
    print_log(ended, b"two\n")
    rescue(ended)
    assert ended.log_complete or type(ended).objects.get(pk=ended.pk).log_complete


def test_much_is_saved_in_segments_of_the_usual_size(make_step):
    step, line = make_step(), b"x" * 63 + b"\n"
    for number in range(20):
        put(step, line * 1024, offset=number * 65_536, line=number * 1024)
    rescue(step)
    live.trim(step.uuid, 10_000_000)
    assert step.segments.count() == 2
    assert b"".join(read.raw(step)).startswith(line * 1024 * 20)


def test_a_storage_that_fails_ends_the_log_all_the_same(make_step, monkeypatch):
    def away(*_: object) -> str:
        raise OSError("storage is away")

    monkeypatch.setattr("builds.logs.segments.store", away)
    step = make_step()
    put(step, b"one\n")
    rescue(step)
    assert (step.log_ended, step.log_complete) == (True, False)
