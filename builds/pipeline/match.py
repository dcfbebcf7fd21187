"""Does a branch or tag match a pattern? In linear time, whatever the pattern."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

MAX_PATTERN = 200


class PatternError(ValueError):
    """The pattern is too long, or no regular expression."""


def codeship_matches(pattern: str, name: str) -> bool:
    """CodeShip's `tag` and `exclude`.

    The same text matches. With `^` or `$` in it the pattern is a regular expression that is searched; without, one
    that has to match the whole name. What is no regular expression matches nothing but itself.
    """
    if pattern == name:
        return True
    try:
        _check_length(pattern)
        compiled = _compile(pattern)
        found = compiled.search(name) if "^" in pattern or "$" in pattern else compiled.fullmatch(name)
    except (PatternError, UnicodeError):
        return False
    return found is not None


def branch_matches(pattern: str, branch: str) -> bool:
    """A branch rule of ciservice.yml: a name, a glob (`*` is any text, `?` one character), or a regex with `^` or `$`.

    Raises PatternError.
    """
    return bool(branch_rule(pattern)(branch))


def branch_rule(pattern: str) -> Callable[[str], object]:
    """The same for many names: what it gives is true of those that match. Raises PatternError."""
    search: Callable[[str], object] = _compile(to_regex(pattern)).search
    return search


def to_regex(pattern: str) -> str:
    """The regular expression, anchored on both sides unless the author wrote one. Raises PatternError."""
    _check_length(pattern)
    if pattern.startswith("^") or pattern.endswith("$"):
        return pattern
    translated = "".join({"*": ".*", "?": "."}.get(letter) or re2.escape(letter) for letter in pattern)
    return f"^(?s:{translated})$"


def _check_length(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern is longer than {MAX_PATTERN} characters")


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        detail = error.args[0] if error.args else ""
        shown = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise PatternError(f"not a regular expression: {shown[:100]}") from error
