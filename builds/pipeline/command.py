"""CodeShip's commands: split into words as a POSIX shell splits them, and nothing else that a shell does."""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"""
      (?P<blank> [ \t\r\n]+ )
    | (?P<continued> \\\r?\n )
    | (?P<bare> [^ \t\r\n'"\\]+ )
    | ' (?P<single> [^']* ) '
    | " (?P<double> (?: [^"\\] | \\. )* ) "
    | \\ (?P<escaped> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE_IN_DOUBLE_QUOTES = re.compile(r'\\(?:([$`"\\])|\r?\n)')


class UnclosedQuoteError(ValueError):
    """A quote is opened and not closed, or the text ends in a backslash."""


def split(text: str) -> tuple[str, ...]:
    """The words of a command line.

    Quotes group and are removed, neighbouring pieces are one word, a backslash takes the next character as it is.
    `$VAR`, `&&`, `|`, `>`, `;`, `#` and `*` are letters like all others. Raises UnclosedQuoteError.
    """
    words: list[str] = []
    pieces: list[str] = []  # of the word at hand; an empty one counts, since '' is a word too
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        if found is None:
            raise UnclosedQuoteError(_what_is_open(text[position]))
        position = found.end()
        if found["blank"] is not None:
            if pieces:
                words.append("".join(pieces))
            pieces = []
        elif found["continued"] is None:
            pieces.append(_plain(found))
    if pieces:
        words.append("".join(pieces))
    return tuple(words)


def _plain(found: re.Match[str]) -> str:
    """The piece without its quotes and backslashes."""
    if found["double"] is not None:
        return _ESCAPE_IN_DOUBLE_QUOTES.sub(lambda escape: escape[1] or "", found["double"])
    return next(found[name] for name in ("bare", "single", "escaped") if found[name] is not None)


def _what_is_open(character: str) -> str:
    if character == "\\":
        return "ends in a backslash that escapes nothing"
    return f"the quote {character} is opened and never closed"
