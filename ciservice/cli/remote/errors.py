"""What ends a command that speaks to a server, and the exit code that says whose it is; docs/command-line.md has the table."""

from __future__ import annotations

from ciservice.cli.local.errors import Trouble

PASSED, FAILED, USAGE, DENIED, UNREACHABLE, WAITS = 0, 1, 2, 3, 4, 5


class Refused(Trouble):
    """The server understood, and a rule of it says no."""

    exit_code = FAILED


class Misused(Trouble):
    """What was typed does not do."""

    exit_code = USAGE


class Denied(Trouble):
    """Not there, not theirs, or nobody is logged in."""

    exit_code = DENIED


class Unreachable(Trouble):
    """The server does not answer, or not as ciservice does."""

    exit_code = UNREACHABLE
