"""Releases of one project on their way to an environment, and the log that their delivery writes."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from runners.targets.contract import Delivery

PROJECT = str(uuid.UUID(int=0x5EED << 100))


class Log(list[str]):
    """What is told, a line each: itself the `tell` of a target."""

    def __call__(self, line: str) -> None:
        self.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self)


def release(folder: Path, number: int = 12, **fields) -> Delivery:
    """Release `number`, whose commit is made of it."""
    commit = fields.pop("commit", f"{number:040x}")
    known = {"environment": "production", "project": PROJECT, "branch": "main"}
    return Delivery(folder=folder, release=str(number), commit=commit, **{**known, **fields})


def lay(folder: Path, files: dict[str, str]) -> Path:
    """A checkout of these files, with a link to something outside that nobody may send, and a `.git`."""
    for path, text in {**files, ".git/config": "[core]", ".gitignore": "*.log"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    if not os.path.lexists(folder / "outside"):
        (folder / "outside").symlink_to("/etc/passwd")
    return folder
