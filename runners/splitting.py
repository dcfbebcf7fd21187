"""Shares the files of tests out among the copies of a pipeline, so that all take about as long."""

from __future__ import annotations

import heapq
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from runners.contract import SplitSpec
from runners.errors import RunnerError, SpecError
from runners.gathering import Found, Most, find
from runners.trees import FOLDER, opened_beneath

NOTHING_TO_DO = "there are fewer files of tests than copies"
LIST = ".git/ci-tests"  # where git does not look, and every step does
_MOST = Most(files=50_000, bytes=4 << 30)
_LONGEST_VARIABLE = 100_000  # bytes: Linux passes on no text of 128 KiB
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def hand_out(split: SplitSpec, root: Path, say: Callable[[bytes], None]) -> dict[str, str] | None:
    """The variables that name this copy's files, which are written to `LIST`, too; None where it has none.

    SpecError where no file fits the patterns at all.
    """
    found = find(root, split.patterns, _MOST)
    if not found:
        raise SpecError(f"`split`: no file of the commit fits {', '.join(split.patterns)[:200]}.")
    if bad := next((one.path for one in found if not one.path.isprintable()), None):
        raise SpecError(f"`split`: {bad[:200]!r} has characters in its name that cannot be listed.")
    mine = shares(found, split.seconds, split.total)[split.index]
    how = f"by the seconds of {_known(found, split.seconds)}" if split.seconds else "by their size"
    say(f"Tests: {len(mine)} of {len(found)} files, shared out {how}\n".encode())
    return _variables(mine, root, say) if mine else None


def shares(files: Sequence[Found], seconds: Mapping[str, float], total: int) -> list[list[str]]:
    """Every file in exactly one of `total` lists: the longest first, each to who has the least; the same everywhere."""
    weights = _weights(files, seconds)
    lists: list[list[str]] = [[] for _ in range(total)]
    heap = [(0.0, 0, number) for number in range(total)]
    for path in sorted(weights, key=lambda path: (-weights[path], path)):
        load, count, number = heapq.heappop(heap)
        lists[number].append(path)
        heapq.heappush(heap, (load + weights[path], count + 1, number))
    return [sorted(paths) for paths in lists]


def _weights(files: Sequence[Found], seconds: Mapping[str, float]) -> dict[str, float]:
    """What each took; those that are not known take as long as the median, and where none is, their size decides."""
    took = {one.path: _took(one.path, seconds) for one in files}
    known = [value for value in took.values() if value is not None]
    if not known:
        return {one.path: float(one.size + 1) for one in files}
    usual = median(known)
    return {path: usual if value is None else value for path, value in took.items()}


def _took(path: str, seconds: Mapping[str, float]) -> float | None:
    """By its path, or by the class that a report named: com.shop.TaxTest is src/test/java/com/shop/TaxTest.java."""
    if path in seconds:
        return seconds[path]
    folder, slash, name = path.rpartition("/")
    parts = f"{folder}{slash}{name.partition('.')[0]}".split("/")
    names = (".".join(parts[start:]) for start in range(len(parts)))
    return next((seconds[name] for name in names if name in seconds), None)


def _known(files: Sequence[Found], seconds: Mapping[str, float]) -> int:
    return sum(_took(one.path, seconds) is not None for one in files)


def _variables(paths: Sequence[str], root: Path, say: Callable[[bytes], None]) -> dict[str, str]:
    variables = {}
    if _write(root, "".join(f"{path}\n" for path in paths).encode()):
        variables["CI_TESTS_FILE"] = LIST
    text = shlex.join(paths)
    if len(text.encode()) <= _LONGEST_VARIABLE:
        variables["CI_TESTS"] = text
    else:
        say(b"CI_TESTS is not set: it would be too long for a variable. CI_TESTS_FILE names the list.\n")
    return variables


def _write(root: Path, data: bytes) -> bool:
    """Whether there was a folder for it: a checkout on a laptop may be no repository."""
    *folders, name = LIST.split("/")
    if not (root / folders[0]).is_dir():
        return False
    try:
        with opened_beneath(os.open(root, FOLDER), folders) as handle:
            descriptor = os.open(name, _NEW, 0o644, dir_fd=handle)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise RunnerError(f"The list of tests could not be written: {error.strerror}.") from None
    return True
