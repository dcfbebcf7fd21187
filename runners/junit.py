"""Reads reports of tests in JUnit's XML, as pytest, jest-junit, surefire, gotestsum and rspec write it. The text is hostile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

MOST_ELEMENTS = 1_000_000  # of all the reports of a job
DEEPEST = 50
MOST_NAME, MOST_MESSAGE, MOST_LINES = 500, 1000, 12
_LONGEST_SECONDS = 7 * 24 * 3600.0
_BAD = {"failure", "error"}
_MENDED = {"flakyFailure", "flakyError"}  # surefire: it failed, was run again, and passed


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(kw_only=True)
class Case:
    """One case of a report, as it names it."""

    name: str
    group: str = ""  # `classname`, else the suite
    file: str = ""
    line: int = 0
    seconds: float = 0.0
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    is_flaky: bool = False  # it passed when it was run again


class ReportError(Exception):
    """No report that can be read: why, in a few words for people."""


@dataclass
class Patience:
    """How many elements will still be looked at."""

    elements: int = MOST_ELEMENTS


def parse(data: bytes, take: Callable[[Case], None], patience: Patience) -> None:
    """Tell of every case, in order. ReportError where the text is no such report; what came before it has been told."""
    parser = DefusedXMLParser(target=_Reader(take, patience), forbid_dtd=True)
    with _as_report_errors():
        parser.feed(data)  # at once: in parts, a long token would be looked at again with each
        parser.close()


@contextmanager
def _as_report_errors() -> Iterator[None]:
    try:
        yield
    except ParseError as error:
        raise ReportError(f"it is no well-formed XML: {str(error)[:100]}") from None
    except DefusedXmlException:
        raise ReportError("it has a DOCTYPE or entities, which no report needs") from None
    except (ValueError, LookupError):
        raise ReportError("its encoding is not known") from None


@dataclass
class _Suite:
    name: str = ""
    file: str = ""


@dataclass
class _Reader:
    """What the parser tells: no tree is built, so that only the cases themselves take memory."""

    take: Callable[[Case], None]
    patience: Patience
    _suites: list[_Suite] = field(default_factory=list)
    _case: Case | None = None
    _texts: list[str] = field(default_factory=list)
    _said: str = ""  # the attribute `message` of what is open
    _is_text_wanted: bool = False
    _depth: int = 0

    def start(self, tag: str, found: dict[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        self.patience.elements -= 1
        tag = tag.rpartition("}")[2]
        if self._depth == 1 and tag not in {"testsuites", "testsuite"}:
            raise ReportError("it is no report of tests: it has no `testsuites` or `testsuite`")
        if self._depth > DEEPEST:
            raise ReportError(f"it is deeper than {DEEPEST} elements")
        if self.patience.elements < 0:
            raise ReportError(f"the reports have more than {MOST_ELEMENTS} elements")
        if tag == "testsuite":
            self._suites.append(self._suite(found))
        elif tag == "testcase":
            self._case = self._begun(found)
        elif self._case is not None:
            self._detail(self._case, tag, found)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._depth -= 1
        tag = tag.rpartition("}")[2]
        case = self._case
        if tag == "testsuite":
            self._suites.pop()
        elif case is not None and tag == "testcase":
            self._case = None
            self.take(case)
        elif case is not None and self._is_text_wanted and tag in _BAD | _MENDED:
            case.message = case.message or _message(self._said, "".join(self._texts))
            self._is_text_wanted = False

    def data(self, text: str) -> None:
        """Text within what is open."""
        if self._is_text_wanted and len(self._texts) < 2 * MOST_MESSAGE:
            self._texts.append(text[: 4 * MOST_MESSAGE])

    def close(self) -> None:
        """The report ends."""

    def _suite(self, found: dict[str, str]) -> _Suite:
        above = self._suites[-1] if self._suites else _Suite()
        file = _line(found.get("file") or found.get("filepath") or "") or above.file
        return _Suite(_line(found.get("name", "")) or above.name, file)

    def _begun(self, found: dict[str, str]) -> Case:
        suite = self._suites[-1] if self._suites else _Suite()
        return Case(
            name=_line(found.get("name", "")) or "(no name)",
            group=_line(found.get("classname", "")) or suite.name,
            file=_line(found.get("file", "")) or suite.file,
            line=_whole(found.get("line", "") or found.get("lineno", "")),
            seconds=_seconds(found.get("time", "")),
        )

    def _detail(self, case: Case, tag: str, found: dict[str, Any]) -> None:
        if tag == "skipped" and case.outcome is Outcome.PASSED:
            case.outcome = Outcome.SKIPPED
        elif tag in _BAD:
            case.outcome = Outcome.FAILED
        elif tag in _MENDED:
            case.is_flaky = True
        if tag in _BAD | _MENDED:
            self._texts, self._is_text_wanted = [], True
            self._said = (found.get("message") or found.get("type") or "")[: 4 * MOST_MESSAGE]


def _message(said: str, text: str) -> str:
    """The sentence and the first lines of what follows it, each once."""
    lines = [line.rstrip() for line in f"{said.strip()}\n{text.strip()}".splitlines() if line.strip()]
    return "\n".join(dict.fromkeys(lines[: 2 * MOST_LINES]))[:MOST_MESSAGE]


def _line(text: str) -> str:
    """A name as one short line."""
    return " ".join(text[: 2 * MOST_NAME].split())[:MOST_NAME]


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _seconds(text: str) -> float:
    """`1,234.5`, too; 0 for what is no such number."""
    try:
        number = float(text[:40].replace(",", ""))
    except ValueError:
        return 0.0
    return min(max(number, 0.0), _LONGEST_SECONDS) if math.isfinite(number) else 0.0
