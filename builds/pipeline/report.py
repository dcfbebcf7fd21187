"""Problems with their places, gathered until everything is read, so that all are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from itertools import islice

from builds.pipeline.nodes import Document, Entry, Mark, Node
from builds.pipeline.plan import ConfigError, Problem

MAX_PROBLEMS = 50
"""More than that help nobody, and would let a hostile file fill the page."""
MAX_KNOWN = 200
"""Words that an unknown one is compared with."""


class Hints:
    """Finds the word that was meant. It takes its time, so that a file with a thousand wrong words gets only some."""

    def __init__(self) -> None:
        self._left = MAX_PROBLEMS

    def did_you_mean(self, word: str, known: Collection[str], shown: Collection[str] | None = None) -> str:
        """The known word that is nearest, or else those of them that are worth showing."""
        self._left -= 1
        words = list(islice(known, MAX_KNOWN))
        near = _nearest(word[:60].lower(), words) if self._left >= 0 else ""
        if near:
            return f"did you mean `{near}`?"
        words = words if shown is None else list(shown)
        return "known here: " + ", ".join(sorted(words)[:40]) if words else "none is defined"


class Report:
    """What is wrong (errors) and what is odd (warnings) in one file, or in one part of it."""

    def __init__(self, file: str, hints: Hints | None = None) -> None:
        self.file = file
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.refusals: list[Problem] = []
        self._hints = hints or Hints()

    def part(self) -> Report:
        """A report of its own for a part of the same file."""
        return Report(self.file, self._hints)

    def error(self, text: str, place: Node | Entry | Mark | None = None, *, key: str = "") -> None:
        """The configuration cannot be run."""
        if len(self.errors) < MAX_PROBLEMS:
            self.errors.append(self.problem(text, place, key=key))

    def warn(self, text: str, place: Node | Entry | Mark | None = None, *, key: str = "") -> None:
        """It can be run, but perhaps not as its author thinks."""
        if len(self.warnings) < MAX_PROBLEMS:
            self.warnings.append(self.problem(text, place, key=key))

    def refuse(self, text: str, place: Node | Entry | Mark | None = None, *, key: str = "") -> None:
        """The part that is read can never run; whatever needs it fails then, and the rest goes its way."""
        if len(self.refusals) < MAX_PROBLEMS:
            self.refusals.append(self.problem(text, place, key=key))

    def did_you_mean(self, word: str, known: Collection[str], shown: Collection[str] | None = None) -> str:
        """A sentence that helps with an unknown word; `shown` where not all known words are worth showing."""
        return self._hints.did_you_mean(word, known, shown)

    def problem(self, text: str, place: Node | Entry | Mark | None = None, *, key: str = "") -> Problem:
        """The problem with its place in the file."""
        mark = place if isinstance(place, Mark) else place.mark if place is not None else Mark()
        key = key or (place.key if isinstance(place, Entry) else "")
        return Problem(text=clean(text), file=self.file, line=mark.line, column=mark.column, key=clean(key))

    def add_notices(self, document: Document, *, strict: bool) -> None:
        """What the reader forgave: an error in ciservice.yml, a warning in CodeShip's files."""
        (self.errors if strict else self.warnings).extend(document.notices)

    def raise_errors(self) -> None:
        """Raise ConfigError where there are errors, in reading order."""
        if self.errors:
            raise ConfigError(in_order(self.errors))


def _nearest(word: str, words: list[str]) -> str:
    """Short words are alike by chance, and then seldom begin alike."""
    spelled = {other.lower(): other for other in reversed(words)}
    close = difflib.get_close_matches(word, spelled, n=3, cutoff=0.65)
    alike = [other for other in close if other[:1] == word[:1]] or difflib.get_close_matches(word, close, cutoff=0.75)
    return spelled[alike[0]] if alike else ""


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, file by file in the order they were first met, from top to bottom; at most MAX_PROBLEMS."""
    unique = list(dict.fromkeys(problems))
    files = list(dict.fromkeys(problem.file for problem in unique))
    unique.sort(key=lambda problem: (files.index(problem.file), problem.line, problem.column))
    return unique[:MAX_PROBLEMS]


def clean(text: str, limit: int = 500) -> str:
    """Text of a stranger for one line of a page: control characters become blanks, and it ends somewhere."""
    shown = "".join(character if character.isprintable() else " " for character in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
