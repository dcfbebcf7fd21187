"""Any range of lines, the last ones, a search, and what is said where bytes cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builds.logs import live, read, segments
from builds.logs.pieces import survey
from builds.logs.read import Gap, Line, Why

pytestmark = pytest.mark.django_db(transaction=True)
relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def small_frames(monkeypatch):
    """Segments and frames so small that a few lines span many."""
    monkeypatch.setattr(segments, "FRAME_BYTES", 40)
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 150)


@relaxed
@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=60), st.booleans(), st.data())
def test_any_range_is_what_was_printed(make_step, print_log, small_frames, printed, ends_line, data):
    step = make_step()
    text = b"\n".join(printed) + (b"\n" if ends_line and printed else b"")
    print_log(step, text)
    expected = text.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    first = data.draw(st.integers(1, len(expected) + 3))
    limit = data.draw(st.integers(0, len(expected) + 3))
    found = read.lines(step, first, limit)
    assert [(line.number, line.data) for line in found.rows] == [
        (number, line) for number, line in enumerate(expected, 1) if first <= number < first + limit
    ]
    assert (found.total, found.ended, survey(step).end.byte) == (len(expected), True, len(text))
    assert [line.data for line in read.last_lines(step, limit).rows] == (expected[-limit:] if limit else [])
    assert b"".join(read.raw(step)) == text


def test_a_range_of_a_running_step_spans_segments_and_tail(make_step, make_writer, small_frames):
    step, printed = make_step(), [b"line %d" % number for number in range(500)]
    writer = make_writer(step)
    for line in printed:
        writer.write(line + b"\n")
    live_lines = read.lines(step, 1, 1000)
    assert not live_lines.ended
    assert [line.data for line in live_lines.rows if isinstance(line, Line)] == printed[: live_lines.total]
    writer.close()
    assert [line.data for line in read.lines(step, 400, 50).rows] == printed[399:449]


def test_a_very_long_line_is_cut_for_show_and_said_how_much_more(make_step, print_log):
    step = make_step()
    print_log(step, b"short\n", b"x" * 1_000_000, b"\n", b"after\n")
    first, long, after = read.lines(step, 1, 10).rows
    assert (first.data, after.data, after.number) == (b"short", b"after", 3)
    assert len(long.data) == read.LINE_BYTES
    assert len(long.data) + long.more == 1_000_000
    assert [line.data for line in read.lines(step, 3, 1).rows] == [b"after"]


def damage(step, number: int, change) -> None:
    path = Path(default_storage.path(step.segments.get(number=number).storage_name))
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-1], lambda data: b"", lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:]],
    ids=["cut short", "empty", "one bit"],
)
def test_damage_is_a_row_that_says_so_and_the_rest_is_read(make_step, print_log, small_frames, change):
    step = make_step()
    print_log(step, b"".join(b"line %02d\n" % number for number in range(60)))
    damage(step, 1, change)
    rows = read.lines(step, 1, 100).rows
    gaps = [row for row in rows if isinstance(row, Gap)]
    assert gaps
    assert {gap.why for gap in gaps} == {Why.DAMAGED}
    shown = {row.number: row.data for row in rows if isinstance(row, Line)}
    assert all(data == b"line %02d" % (number - 1) for number, data in shown.items())
    assert len(shown) + sum(gap.lines for gap in gaps) == 60
    assert b" damaged (" in b"".join(read.raw(step))
    assert read.search(step, "line 59").numbers


def test_a_log_whose_files_are_gone_says_so(make_step, print_log):
    step = make_step()
    print_log(step, b"one\ntwo\n")
    default_storage.delete(step.segments.get().storage_name)
    assert read.lines(step, 1, 10).rows == (Gap(1, 2, 8, Why.DAMAGED),)


def test_another_segments_file_in_its_place_is_noticed(make_step, print_log):
    one, other = make_step(), make_step()
    print_log(one, b"mine\n")
    print_log(other, b"hers\n")
    one.segments.update(storage_name=other.segments.get().storage_name)
    assert b"hers" not in b"".join(read.raw(one))


def test_search_finds_without_regard_to_case_and_colours(make_step, print_log):
    step = make_step()
    print_log(step, b"ok\nFAILED test_tax\nx \x1b[31mfai\x1b[0mled again\n", "Größe ÄRGER\n".encode(), b"end")
    assert read.search(step, "failed").numbers == (2, 3)
    assert read.search(step, "ärger").numbers == (4,)
    assert read.search(step, "END").numbers == (5,)
    assert read.search(step, ".*").numbers == ()
    assert read.search(step, "").numbers == ()


def test_search_finds_across_frames_and_stops_at_its_limit(make_step, print_log, small_frames):
    step = make_step()
    print_log(step, b"a" * 100 + b"needle" + b"b" * 100 + b"\n", b"needle\n" * 30)
    found = read.search(step, "NEEDLE", limit=5)
    assert found.numbers == (1, 2, 3, 4, 5)
    assert not found.complete
    assert len(read.search(step, "needle").numbers) == 31
    assert read.search(step, "needle").complete


@relaxed
@given(
    st.text(alphabet="abAB", min_size=1, max_size=4), st.lists(st.text(alphabet="abAB \n", max_size=50), max_size=12)
)
def test_search_agrees_with_looking_at_every_line(make_step, print_log, small_frames, wanted, chunks):
    step, printed = make_step(), "".join(chunks)
    print_log(step, *(chunk.encode() for chunk in chunks))
    expected = [number for number, line in enumerate(printed.split("\n"), 1) if wanted.lower() in line.lower()]
    assert list(read.search(step, wanted).numbers) == expected


def test_a_stretch_that_redis_lost_shows_as_not_stored_yet(make_step):
    step = make_step()
    live.append(step.uuid, [live.Chunk(0, 0, True, 1, b"one\n"), live.Chunk(12, 3, True, 2, b"four\nfi")])
    assert read.lines(step, 1, 10).rows == (
        Line(1, 1, b"one"),
        Gap(2, 2, 8, Why.PENDING),
        Line(4, 2, b"four"),
        Line(5, 2, b"fi", is_finished=False),
    )


def test_reading_costs_few_queries_and_few_bytes(make_step, print_log, django_assert_max_num_queries):
    step = make_step()
    print_log(step, *(b"line %06d of quite a few\n" % number * 100 for number in range(2000)))
    step.segments.exclude(number=2).update(storage_name="logs/nowhere")
    middle = step.segments.get(number=2)
    with django_assert_max_num_queries(2):
        rows = read.lines(step, middle.first_line + 10, 20).rows
    assert len([row for row in rows if isinstance(row, Line)]) == 20
