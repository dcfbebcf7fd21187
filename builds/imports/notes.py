"""What became of each line: the notes of an import."""

from __future__ import annotations

from dataclasses import dataclass, field

from builds.pipeline.nodes import Entry, Mark, Node
from builds.pipeline.report import clean

MAX_NOTES = 500


@dataclass(frozen=True, order=True)
class Note:
    """A line that means something else here, or nothing."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass
class Notes:
    """The notes of one file."""

    file: str
    found: list[Note] = field(default_factory=list)

    def add(self, text: str, place: Node | Entry | Mark | None = None) -> None:
        """Each is told once."""
        mark = place if isinstance(place, Mark) else place.mark if place is not None else Mark()
        note = Note(self.file, mark.line, clean(text))
        if note not in self.found and len(self.found) < MAX_NOTES:
            self.found.append(note)


@dataclass(frozen=True)
class Imported:
    """The text of the ciservice.yml, and the notes in the order of the lines."""

    text: str
    notes: tuple[Note, ...]
