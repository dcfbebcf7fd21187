"""Command lines that share one shell, as CodeShip Basic ran them: `cd`, `export` and functions last until the end."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_ONE = "printf '\\033[1m$ %s\\033[0m\\n' {line}\neval {line}\ncode=$?; [ $code -eq 0 ] || exit $code"
_EITHER = "if command -v bash >/dev/null 2>&1; then exec bash -c {program}; fi\nexec sh -c {program}"


def one_session(lines: Sequence[str]) -> str:
    """A script that says each line, runs it, and ends with the exit code of the first that fails.

    bash where the image has it, else sh. A line is a whole command: what is begun in one cannot end in the next.
    """
    # eval, so that a line with a syntax error or a comment at its end is its own and not its neighbour's trouble.
    program = "\n".join(_ONE.format(line=shlex.quote(line)) for line in lines)
    return _EITHER.format(program=shlex.quote(program))


def active(text: str) -> tuple[str, ...]:
    """The lines that say something: neither blank nor switched off by `#`."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
