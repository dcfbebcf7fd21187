"""A template's text into pieces: what stands outside of `{{ }}` as it is, what stands inside as tokens. In linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from builds.pipeline.gotemplate.errors import TemplateError

MAX_TEMPLATE = 8192
_BLANKS = " \t\r\n"


class Kind(StrEnum):
    """What a token is."""

    TEXT = "text"  # outside of {{ }}
    OPEN = "open"
    CLOSE = "close"
    FIELD = "field"  # .Name
    DOT = "dot"
    VARIABLE = "variable"  # $, $name
    NAME = "name"  # a function, a keyword, true, false
    STRING = "string"  # with its quotes
    NUMBER = "number"
    SIGN = "sign"  # ( ) | := =


@dataclass(frozen=True, slots=True)
class Token:
    """One piece; `position` is its first character's, from 1. `spaced`: a blank stands before it."""

    kind: Kind
    text: str
    position: int
    spaced: bool = False


_TOKEN = re.compile(
    r"""
      (?P<field>    \.[A-Za-z_][A-Za-z0-9_]* )
    | (?P<number>   [+-]?[0-9]+(?:\.[0-9]+)? )
    | (?P<dot>      \. )
    | (?P<variable> \$[A-Za-z0-9_]* )
    | (?P<name>     [A-Za-z_][A-Za-z0-9_]* )
    | (?P<string>   "(?:[^"\\\n]|\\.)*" | `[^`]*` )
    | (?P<sign>     := | [()|=] )
    """,
    re.VERBOSE,
)
_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"[ \t\r\n]*/\*")
_COMMENT_END = re.compile(r"\*/[ \t\r\n]*?( -)?\}\}")


def tokens(text: str) -> list[Token]:
    """The pieces in order. Raises TemplateError."""
    if len(text) > MAX_TEMPLATE:
        raise TemplateError(f"a template has at most {MAX_TEMPLATE} characters")
    return list(_Lexer(text).tokens())


class _Lexer:
    """Goes through one text once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._trims = False  # the blanks after the last }} are to go

    def tokens(self) -> Iterator[Token]:
        while (start := self._text.find("{{", self._position)) >= 0:
            trims = self._text[start + 2 : start + 4] in {f"-{blank}" for blank in _BLANKS}
            yield from self._outside(start, trims=trims)
            self._position = start + (3 if trims else 2)
            if _COMMENT.match(self._text, self._position):
                self._skip_comment(start)
                continue
            yield Token(Kind.OPEN, "{{", start + 1)
            yield from self._inside(start)
        yield from self._outside(len(self._text), trims=False)

    def _outside(self, end: int, *, trims: bool) -> Iterator[Token]:
        """What stands before `end`; `trims`: without the blanks at its end."""
        text = self._text[self._position : end]
        text = text.lstrip(_BLANKS) if self._trims else text
        text = text.rstrip(_BLANKS) if trims else text
        if text:
            yield Token(Kind.TEXT, text, self._position + 1)

    def _skip_comment(self, start: int) -> None:
        end = _COMMENT_END.search(self._text, self._position)
        if end is None:
            raise TemplateError("the comment is not closed by */}}", start + 1)
        self._position, self._trims = end.end(), end[1] is not None

    def _inside(self, start: int) -> Iterator[Token]:
        """The tokens up to and with the }}."""
        while True:
            blank = _BLANK.match(self._text, self._position)
            here = blank.end() if blank else self._position
            spaced = here > self._position
            self._trims = spaced and self._text.startswith("-}}", here)
            if self._trims or self._text.startswith("}}", here):
                self._position = here + (3 if self._trims else 2)
                yield Token(Kind.CLOSE, "}}", here + 1)
                return
            found = _TOKEN.match(self._text, here)
            if found is None:
                raise TemplateError(self._complaint(here), (here if here < len(self._text) else start) + 1)
            self._position = found.end()
            yield Token(Kind(str(found.lastgroup)), found[0], here + 1, spaced)

    def _complaint(self, position: int) -> str:
        if position >= len(self._text):
            return "{{ is opened and never closed by }}"
        character = self._text[position]
        if character in "\"`'":
            return f"the quote {character} is not closed, or no quote of a template"
        return f"`{character if character.isprintable() else ' '}` has no meaning here"
