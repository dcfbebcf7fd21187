"""What a job's tests came to: the reports that stand in its checkout when it ends, added up. Nothing here fails a job."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from runners.errors import SpecError
from runners.gathering import Found, Most, find, open_beneath
from runners.junit import Case, Outcome, Patience, ReportError, parse

MOST_BYTES = 20 << 20  # of one report
MOST_CASES = 50_000  # of a job
MOST_SHOWN = 200  # failed cases that are kept with their messages
MOST_TIMED = 10_000
_ALL = Most(files=2000, bytes=100 << 20)
_MOST_LOOKS = 20_000  # at the checkout, for the files that reports name
_ID_BYTES = 6


@dataclass(frozen=True, kw_only=True)
class BadCase:
    """A case that failed; or, where it `passed`, one that did so only when it was run again."""

    id: str  # the same for the same case of every report
    name: str
    file: str
    line: int
    seconds: float
    message: str
    passed: bool = False
    is_flaky: bool = False


@dataclass(frozen=True, kw_only=True)
class Reports:
    """All of a job's reports together."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    bad: tuple[BadCase, ...] = ()
    seconds_of: dict[str, float] = field(default_factory=dict)  # by file, or by class where no file is known
    passed_ids: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many cases there are."""
        return self.passed + self.failed + self.skipped


class _TooMany(Exception):
    """More cases than are counted."""


def read(root: Path, patterns: Sequence[str], mask: Callable[[str], str] = str) -> Reports:
    """Every report of the checkout that a pattern fits; `mask` hides secrets in what they say."""
    sum_ = _Sum(root, mask)
    for pattern in patterns:
        try:
            found = find(root, [pattern], _ALL)
        except SpecError as error:
            sum_.note(f"Test reports {pattern}: {error}")
            continue
        if not found:
            sum_.note(f"Test reports {pattern}: nothing matches.")
        for one in found:
            sum_.add(one)
    return sum_.reports()


class _Sum:
    """Adds reports up."""

    def __init__(self, root: Path, mask: Callable[[str], str]) -> None:
        self._root, self._mask = root, mask
        self._places = _Places(root)
        self._patience = Patience()
        self._cases: dict[str, tuple[str, list[Case]]] = {}  # by id; its file, and each of its runs
        self._seen: set[str] = set()
        self._times: Counter[tuple[str, str, str]] = Counter()  # how often one report names a case
        self._count = 0
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Something for people to know."""
        self._notes.append(text)

    def add(self, one: Found) -> None:
        """A report, unless it was added already."""
        if one.path in self._seen or self._count >= MOST_CASES or self._patience.elements < 0:
            return
        self._seen.add(one.path)
        folder = PurePosixPath(one.path).parent
        self._times.clear()
        try:
            parse(self._bytes(one), lambda case: self._take(case, folder), self._patience)
        except ReportError as error:
            self.note(f"Test report {one.path}: {error}.")
        except OSError as error:
            self.note(f"Test report {one.path}: {error.strerror or 'it cannot be read'}.")
        except _TooMany:
            self.note(f"Test reports: more than {MOST_CASES} cases; the others were not counted.")

    def _bytes(self, one: Found) -> bytes:
        with open_beneath(self._root, one.path) as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ReportError(f"it is larger than {MOST_BYTES >> 20} MiB")
        return data

    def _take(self, case: Case, folder: PurePosixPath) -> None:
        if self._count >= MOST_CASES:
            raise _TooMany
        self._count += 1
        file = self._places.find(case, folder)
        names = (file or case.file, case.group, case.name)
        self._times[names] += 1  # several of one name in a report are several cases, in two reports it is one
        key = _id(*names, str(self._times[names]))
        self._cases.setdefault(key, (file, []))[1].append(case)

    def reports(self) -> Reports:
        """The sum. A case that stands there several times counts once: as passed where it did so at last."""
        counts = dict.fromkeys(Outcome, 0)
        bad: list[BadCase] = []
        seconds_of: dict[str, float] = {}
        passed = set()
        for key, (file, runs) in self._cases.items():
            last = runs[-1]
            counts[last.outcome] += 1
            seconds = sum(run.seconds for run in runs)
            place = file or last.file or last.group
            if place and (place in seconds_of or len(seconds_of) < MOST_TIMED):
                seconds_of[place] = seconds_of.get(place, 0.0) + seconds
            if last.outcome is Outcome.PASSED:
                passed.add(key)
            if (told := self._bad(key, file, runs)) and len(bad) < MOST_SHOWN:
                bad.append(told)
        return Reports(
            passed=counts[Outcome.PASSED],
            failed=counts[Outcome.FAILED],
            skipped=counts[Outcome.SKIPPED],
            seconds=round(sum(run.seconds for _, runs in self._cases.values() for run in runs), 3),
            bad=tuple(bad),
            seconds_of={self._mask(place): round(seconds, 3) for place, seconds in seconds_of.items()},
            passed_ids=frozenset(passed),
            notes=tuple(self._mask(note) for note in self._notes[:50]),
        )

    def _bad(self, key: str, file: str, runs: Sequence[Case]) -> BadCase | None:
        last = runs[-1]
        failed = [run for run in runs if run.outcome is Outcome.FAILED]
        is_flaky = any(run.is_flaky for run in runs) or bool(failed and last.outcome is Outcome.PASSED)
        if not is_flaky and last.outcome is not Outcome.FAILED:
            return None
        group = f"{last.group}: " if last.group not in ("", last.name) else ""
        return BadCase(
            id=key,
            name=self._mask(f"{group}{last.name}")[:500],
            file=self._mask(file or last.file)[:500],
            line=last.line,
            seconds=last.seconds,
            message=self._mask((failed or runs)[-1].message),
            passed=last.outcome is Outcome.PASSED,
            is_flaky=is_flaky,
        )


def _id(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).hexdigest()


class _Places:
    """Finds the files of a checkout that reports mean: theirs are absolute, relative to elsewhere, or names of modules."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[tuple[str, PurePosixPath], str] = {}
        self._are_there: dict[str, bool] = {}

    def find(self, case: Case, folder: PurePosixPath) -> str:
        """The file of the case, from the checkout; "" where none is known. `folder` is the report's."""
        names = [case.file] if case.file else _modules(case.group)
        return next((found for name in names if (found := self._found(name, folder))), "")

    def _found(self, name: str, folder: PurePosixPath) -> str:
        key = (name, folder)
        if key not in self._known:
            self._known[key] = next((one for one in _candidates(name, folder) if self._is_there(one)), "")
        return self._known[key]

    def _is_there(self, path: str) -> bool:
        if path not in self._are_there:
            if len(self._are_there) >= _MOST_LOOKS:
                return False
            try:
                open_beneath(self._root, path).close()
                self._are_there[path] = True
            except OSError:
                self._are_there[path] = False
        return self._are_there[path]


def _modules(group: str) -> list[str]:
    """The files that a dotted name of Python may stand for: "tests.test_tax.TestSum" -> "tests/test_tax.py"."""
    parts = group.split(".")
    if len(parts) > 30 or not all(part.isidentifier() for part in parts):
        return []
    return ["/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1)]


def _candidates(name: str, folder: PurePosixPath) -> list[str]:
    """Paths from the checkout, the likeliest first."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or len(parts) > 40:
        return []
    if name.startswith("/") or "\\" in name:
        return ["/".join(parts[start:]) for start in range(len(parts))]
    above = [folder, *folder.parents]
    return list(dict.fromkeys(["/".join(parts), *(str(one / "/".join(parts)) for one in above)]))
