"""Whole numbers out of addresses."""

import pytest

from builds.numbers import whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), ("999", 999)]
    + [(text, None) for text in ("", "1000", "0999", "-1", "+1", " 1", "1.0", "²", "٣", "x", "1_0", "0x1")],
)
def test_only_digits_and_not_too_many(text, number):
    assert whole(text, 3) == number
