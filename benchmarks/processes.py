"""What a process and all below it use, from /proc."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """The process and everything that descends from it."""
    children: dict[int, list[int]] = {}
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        if fields := _stat(pid):
            children.setdefault(int(fields[1]), []).append(pid)
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, with children that ended and were waited for (git, for one)."""
    return sum(sum(map(int, fields[11:15])) for pid in tree(root) if (fields := _stat(pid))) / TICKS


def pss_bytes(root: int) -> int:
    """Memory of the tree; what processes share is divided between them."""
    return sum(_kib(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in tree(root)) * 1024


def forget_peak(pid: int) -> None:
    """Let `peak_rss_bytes` count from now on; needs root, else the peak is that of the whole life."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_rss_bytes(pid: int) -> int:
    """The most resident memory that the process ever had."""
    return _kib(f"/proc/{pid}/status", "VmHWM:") * 1024


def rss_bytes(pid: int) -> int:
    """The memory that it has now."""
    return _kib(f"/proc/{pid}/status", "VmRSS:") * 1024


def command_line(pid: int) -> str:
    """What it was started with, or calls itself; "" where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on; None where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _kib(path: str, name: str) -> int:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
