"""A line of bytes as a terminal would leave it -> safe HTML: colours as classes, links, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby

from builds.logs.palette import nearest, on_background

URL_MOST = 2000
TRIMMED_MOST = 20

_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-?]{0,64})[ -/]{0,4}(?P<final>[@-~])"  # CSI
    r"|\x1b\][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b\x9c]{0,4096}(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]{0,2}[0-~]?"  # the two-character ones, and what is left of a broken one
    r"|(?P<move>[\r\b])"
    r"|(?P<control>[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff])"
)
_SPECIAL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_URL = re.compile(rf"https?://[!#-;=?-Z_a-z~\[\]]{{1,{URL_MOST}}}")
_PAIRS = {")": "(", "]": "["}
CONTROL = "log-control"


@dataclass(frozen=True, slots=True)
class _Style:
    foreground: int | None = None
    background: int | None = None
    flags: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        front, back = self.foreground, self.background
        names = sorted(self.flags - {"inverse"})
        if "inverse" in self.flags:
            if front is None and back is None:
                return " ".join([*names, "ansi-inverse"])
            front, back = back if back is not None else 231, front if front is not None else 16
        if front is not None:
            names.append(f"c{front if back is None else on_background(front)}")
        if back is not None:
            names.append(f"b{back}")
        return " ".join(names)


_PLAIN = _Style()
_ON = {1: "ansi-bold", 2: "ansi-dim", 3: "ansi-italic", 4: "ansi-underline", 7: "inverse", 9: "ansi-strike"}
_OFF = {21: {1}, 22: {1, 2}, 23: {3}, 24: {4}, 27: {7}, 29: {9}}


def render(line: bytes) -> str:
    """HTML of one line without its line break. Every line stands for itself: colours do not run on into the next."""
    text = line.decode("utf-8", "replace")
    if text.endswith("\r"):
        text = text.rstrip("\r")
    if not _SPECIAL.search(text):
        return "".join(_linked(text, None)) if "://" in text else escape(text)
    screen = _Screen()
    screen.show(text)
    return "".join(_linked("".join(screen.letters), screen.styles))


class _Screen:
    """One row of a terminal: what a carriage return leaves standing is overwritten."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.styles: list[str] = []
        self._column = 0
        self._style = _PLAIN
        self._classes = ""

    def show(self, text: str) -> None:
        """Do what the text says."""
        at = 0
        for token in _TOKEN.finditer(text):
            if token.start() > at:
                self._put(text[at : token.start()], self._classes)
            at = token.end()
            if control := token["control"]:
                self._put(_visible(control), CONTROL)
            elif move := token["move"]:
                self._column = 0 if move == "\r" else max(self._column - 1, 0)
            elif final := token["final"]:
                self._order(final, token["parameters"])
        self._put(text[at:], self._classes)

    def _put(self, text: str, classes: str) -> None:
        end = self._column + len(text)
        self.letters[self._column : end] = text
        self.styles[self._column : end] = [classes] * len(text)
        self._column = end

    def _order(self, final: str, parameters: str) -> None:
        if final == "m":
            self._style = styled(self._style, parameters)
            self._classes = self._style.classes
        elif final == "K" and parameters in {"", "0"}:
            del self.letters[self._column :], self.styles[self._column :]
        elif final == "K" and parameters == "2":
            self.letters.clear()
            self.styles.clear()
            self._column = 0
        elif final == "G":
            self._column = min(max(_number(parameters) - 1, 0), len(self.letters))


def _visible(control: str) -> str:
    """A control character as something that can be seen."""
    code = ord(control)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def styled(style: _Style, parameters: str) -> _Style:
    """The style after one SGR sequence; what we do not know is left out."""
    codes = [_number(part) for part in parameters.replace(":", ";").split(";")]
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code in {38, 48}:
            colour, used = _extended(codes[at : at + 5])
            at += used
            if colour is not None:
                style = replace(style, foreground=colour) if code == 38 else replace(style, background=colour)
        else:
            style = _simple(style, code)
    return style


def _simple(style: _Style, code: int) -> _Style:
    if code == 0:
        return _PLAIN
    if code in _ON:
        return replace(style, flags=style.flags | {_ON[code]})
    if code in _OFF:
        return replace(style, flags=style.flags - {_ON[number] for number in _OFF[code]})
    if 30 <= code <= 37 or 90 <= code <= 97 or code == 39:
        return replace(style, foreground=_basic(code % 10, bright=code >= 90))
    if 40 <= code <= 47 or 100 <= code <= 107 or code == 49:
        return replace(style, background=_basic(code % 10, bright=code >= 100))
    return style


def _basic(digit: int, *, bright: bool) -> int | None:
    return None if digit == 9 else digit + 8 * bright


def _extended(codes: list[int]) -> tuple[int | None, int]:
    """(colour of the 256, numbers used up) of what follows 38 or 48."""
    if codes[:1] == [5] and len(codes) >= 2:
        return min(codes[1], 255), 2
    if codes[:1] == [2] and len(codes) >= 4:
        return nearest(codes[1], codes[2], codes[3]), 4
    return None, len(codes)


def _linked(text: str, styles: list[str] | None) -> Iterator[str]:
    at = 0
    for found in _URL.finditer(text):
        url = _trimmed(found.group())
        end = found.start() + len(url)
        yield from _runs(text, styles, at, found.start())
        yield f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">'
        yield from _runs(text, styles, found.start(), end)
        yield "</a>"
        at = end
    yield from _runs(text, styles, at, len(text))


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it."""
    for _ in range(TRIMMED_MOST):
        last = url[-1]
        if (last in _PAIRS and url.count(last) <= url.count(_PAIRS[last])) or last not in ".,;:!?'*_~)]":
            break
        url = url[:-1]
    return url


def _runs(text: str, styles: list[str] | None, start: int, end: int) -> Iterator[str]:
    if styles is None:
        yield escape(text[start:end])
        return
    for classes, run in groupby(styles[start:end]):
        stop = start + sum(1 for _ in run)
        piece = escape(text[start:stop])
        yield f'<span class="{classes}">{piece}</span>' if classes else piece
        start = stop
