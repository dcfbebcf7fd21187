"""The 256 colours of terminals, and the style sheet that gives them classes: c0 to c255 for text, b0 to b255 behind it.

The 16 basic colours are custom properties (`--ansi-0` to `--ansi-15`) with a light and a dark value that can be read on the
page's paper; the others are darkened or lightened until they can be. On a coloured background colours stay what they are.
`python -m builds.logs.palette > ciservice/static/ciservice/ansi.css` writes it.
"""

from __future__ import annotations

import colorsys
import sys

RGB = tuple[int, int, int]

_LIGHT = (
    0x1F2328,
    0xB3261E,
    0x1A6E2E,
    0x7A5B00,
    0x1F5FBF,
    0x8B2FA3,
    0x0B6B76,
    0x59606A,
    0x57606A,
    0xC2261E,
    0x1A7A35,
    0x806000,
    0x0A62C9,
    0x9A2FB5,
    0x0B7285,
    0x24292F,
)
_DARK = (
    0x8B949E,
    0xFF7B72,
    0x56D364,
    0xE3B341,
    0x79C0FF,
    0xD2A8FF,
    0x56D4DD,
    0xD0D7DE,
    0xA5AEB8,
    0xFFA198,
    0x7EE787,
    0xF2CC60,
    0xA5D6FF,
    0xE2C5FF,
    0x9BE9F0,
    0xF0F6FC,
)
_TERMINAL = (
    0x000000,
    0xAA0000,
    0x00AA00,
    0xAA5500,
    0x0000AA,
    0xAA00AA,
    0x00AAAA,
    0xAAAAAA,
    0x555555,
    0xFF5555,
    0x55FF55,
    0xFFFF55,
    0x5555FF,
    0xFF55FF,
    0x55FFFF,
    0xFFFFFF,
)
_LEVELS = (0, 95, 135, 175, 215, 255)
_FIXED = (16, 124, 34, 130, 19, 127, 37, 248, 240, 203, 83, 227, 63, 207, 87, 231)  # for the basic ones, in 16 to 255
CONTRAST = 4.5


def rgb(index: int) -> RGB:
    """A colour of the 256 as terminals show it."""
    if index < 16:
        return _split(_TERMINAL[index])
    if index < 232:
        red, rest = divmod(index - 16, 36)
        green, blue = divmod(rest, 6)
        return _LEVELS[red], _LEVELS[green], _LEVELS[blue]
    grey = 8 + 10 * (index - 232)
    return grey, grey, grey


def _split(number: int) -> RGB:
    return number >> 16, number >> 8 & 255, number & 255


def nearest(red: int, green: int, blue: int) -> int:
    """The colour of the 256 that comes closest to a true colour."""
    wanted = (min(red, 255), min(green, 255), min(blue, 255))
    cube = [min(range(6), key=lambda level: abs(_LEVELS[level] - part)) for part in wanted]
    grey = 232 + min(max(round((sum(wanted) / 3 - 8) / 10), 0), 23)
    candidates = (16 + 36 * cube[0] + 6 * cube[1] + cube[2], grey)
    return min(candidates, key=lambda index: sum((a - b) ** 2 for a, b in zip(rgb(index), wanted, strict=True)))


def on_background(index: int) -> int:
    """The class of a text colour where the background is given too: one that does not follow the page's paper."""
    return _FIXED[index] if index < 16 else index


def contrast(one: RGB, other: RGB) -> float:
    """The ratio of WCAG, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: RGB) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def readable(colour: RGB, paper: RGB) -> RGB:
    """The colour, darkened or lightened until it can be read on `paper`."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    step = -0.02 if _luminance(paper) > 0.5 else 0.02
    while contrast(colour, paper) < CONTRAST and 0 <= lightness <= 1:
        lightness += step
        red, green, blue = colorsys.hls_to_rgb(hue, min(max(lightness, 0), 1), saturation)
        colour = round(red * 255), round(green * 255), round(blue * 255)
    return colour


def _hex(colour: RGB) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def palette_css() -> str:
    """The style sheet."""
    white, black = (255, 255, 255), (0x12, 0x14, 0x17)
    rules = ["/* Colours of logs; written by `python -m builds.logs.palette`. */", ":root {"]
    rules += [f"  --ansi-{n}: light-dark({_hex(_split(_LIGHT[n]))}, {_hex(_split(_DARK[n]))});" for n in range(16)]
    rules += [
        "}",
        ".ansi-bold { font-weight: 700; }",
        ".ansi-dim { opacity: 0.75; }",
        ".ansi-italic { font-style: italic; }",
        ".ansi-underline { text-decoration: underline; }",
        ".ansi-strike { text-decoration: line-through; }",
        ".ansi-underline.ansi-strike { text-decoration: underline line-through; }",
        ".ansi-inverse { color: var(--paper, Canvas); background: var(--ink, CanvasText); }",
        ".log-control { color: var(--ansi-8); }",
    ]
    for index in range(256):
        colour = rgb(index)
        text = "#000" if contrast(colour, (0, 0, 0)) >= contrast(colour, white) else "#fff"
        rules.append(f".b{index} {{ background: {_hex(colour)}; color: {text}; }}")
    rules += [f".c{index} {{ color: var(--ansi-{index}); }}" for index in range(16)]
    for index in range(16, 256):
        light, dark = _hex(readable(rgb(index), white)), _hex(readable(rgb(index), black))
        rules.append(f".c{index} {{ color: light-dark({light}, {dark}); }}")
    rules += [f'[class*=" b"].c{index} {{ color: {_hex(rgb(index))}; }}' for index in range(16, 256)]
    return "\n".join(rules) + "\n"


if __name__ == "__main__":
    sys.stdout.write(palette_css())
