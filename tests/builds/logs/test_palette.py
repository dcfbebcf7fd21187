"""The colours of logs can be read on both papers, and the style sheet in the repository is the one that is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builds.logs.palette import contrast, nearest, palette_css, rgb

SHEET = Path(__file__).parents[3] / "ciservice/static/ciservice/ansi.css"


def parsed(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def test_the_committed_style_sheet_is_up_to_date():
    assert SHEET.read_text() == palette_css()


def test_every_text_colour_can_be_read_on_light_and_dark_paper():
    pairs = re.findall(r"light-dark\((#\w{6}), (#\w{6})\)", palette_css())
    assert len(pairs) == 256
    for light, dark in pairs:
        assert contrast(parsed(light), (255, 255, 255)) >= 4.5
        assert contrast(parsed(dark), (0x12, 0x14, 0x17)) >= 4.5


@pytest.mark.parametrize(("colour", "index"), [((0, 0, 0), 16), ((255, 255, 255), 231), ((128, 128, 128), 244)])
def test_true_colours_go_to_the_nearest(colour, index):
    assert nearest(*colour) == index


def test_the_palette_is_its_own_nearest():
    assert all(rgb(nearest(*rgb(index))) == rgb(index) for index in range(16, 256))
