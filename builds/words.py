"""States as shapes, times and exit codes as people say them. Plain functions: tags, titles and messages use them."""

from __future__ import annotations

import signal
from datetime import timedelta

# The states that have a drawing.
DRAWN = ("passed", "failed", "running", "waiting", "errored", "cancelled", "skipped")
# Shape and colour of the states that have no drawing of their own; those of deployments too.
_SHAPES = {
    "": "none",
    "queued": "waiting",
    "blocked": "waiting",
    "live": "passed",
    "rolling_out": "running",
    "rolling_back": "running",
    "verifying": "running",
    "requested": "waiting",
    "held": "waiting",
    "unknown": "errored",
    "superseded": "cancelled",
    "rolled_back": "cancelled",
    "ready": "passed",  # these and those below are runners'
    "paused": "waiting",
    "draining": "waiting",
    "hindered": "errored",
    "gone": "errored",
    "left": "skipped",
    "revoked": "cancelled",
}


def shape(status: str) -> str:
    """The drawing that stands for `status`: passed, failed, running, waiting, errored, cancelled, skipped or none."""
    return _SHAPES.get(str(status), str(status))


def duration(value: float | timedelta | None) -> str:
    """Seconds as people say them: 0.4s, 12s, 2m 14s, 1h 03m, 2d 4h; nothing for None."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if 0.05 <= seconds < 1:
        return f"{seconds:.1f}s"
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def ago_words(seconds: float) -> str:
    """How long ago, in words; clock.js says the same in the browser."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 60 * 24:
        return f"{minutes // 60} h ago"
    days = minutes // (60 * 24)
    return "yesterday" if days == 1 else f"{days} days ago"


def exit_words(code: int | None) -> str:
    """What an exit code says: "exit 1", "exit 137: killed, often because memory ran out"."""
    if code is None:
        return ""
    known = _EXITS.get(code)
    if known is None and 128 < code < 160:
        known = f"ended by {_signal_name(code - 128)}"
    return f"exit {code}" + (f": {known}" if known else "")


_EXITS = {
    0: "success",
    2: "often a usage error",
    125: "the container could not be started",
    126: "the command is not executable",
    127: "the command was not found",
    130: "interrupted (SIGINT)",
    134: "aborted (SIGABRT)",
    137: "killed (SIGKILL), often because memory ran out",
    139: "crashed (segmentation fault)",
    143: "asked to end (SIGTERM)",
}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
