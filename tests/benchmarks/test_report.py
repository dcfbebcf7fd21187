"""Rows, what they are held to, and the page that they are written to."""

from __future__ import annotations

import pytest

from benchmarks import report
from benchmarks.figures import Spread
from benchmarks.rows import Row, Target


def row(*ours: float, raw: float | None = None, **target: object) -> Row:
    return Row(
        what="a thing",
        ours=Spread.of(ours),
        raw=None if raw is None else Spread.of([raw]),
        target=Target(**target) if target else None,
    )


@pytest.mark.parametrize(
    ("measured", "met"),
    [
        (row(0.5, raw=0.5, limit=1.0, of_raw=True), True),
        (row(0.6, raw=0.5, limit=1.0, of_raw=True), False),
        (row(3.0, raw=2.0, limit=1.3, of_raw=True, at_least=True), True),
        (row(2.0, raw=2.0, limit=1.3, of_raw=True, at_least=True), False),
        (row(1.0, raw=0.1, limit=1.5), True),
        (row(0.1, 0.1, 0.9, limit=0.3, p=95), False),
        (row(0.1), None),
    ],
)
def test_a_row_says_whether_its_target_is_met(measured, met):
    assert measured.is_met is met


def test_a_row_is_written_with_its_spread_ratio_and_target():
    cells = report.cells(row(0.2, 0.3, 0.7, raw=0.2, limit=1.0, of_raw=True))
    assert cells == ("a thing", "0.200 s", "0.300 s (0.200 to 0.700, n=3)", "1.50", "-", "≤ 1 x raw", "**no**")


def test_what_buildbot_took_stands_beside_it():
    measured = Row(what="a thing", ours=Spread.of([1.0]), buildbot="4.7 s")
    assert dict(zip(report.HEAD, report.cells(measured), strict=True))["Buildbot 4.3"] == "4.7 s"


def test_the_tail_is_shown_where_the_tail_is_held():
    assert report.cells(row(0.1, 0.2, 0.25, limit=0.3, p=95))[2].endswith(", p95 0.250")


def test_a_table_has_a_line_for_each_row_and_one_width():
    lines = report.table([row(1.0), row(2.0, raw=1.0)]).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1


def test_figures_are_written_between_the_marks(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n")
    report.write_between_marks(page, "new")
    assert page.read_text() == f"before\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("nothing to fill in")
    with pytest.raises(ValueError, match="no place for figures"):
        report.write_between_marks(page, "new")
    assert page.read_text() == "nothing to fill in"
