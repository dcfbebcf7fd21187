"""A terminal with colours: step names in colours of their own, and a line at the end that says what runs."""

from __future__ import annotations

import zlib

from rich.console import Console
from rich.status import Status
from rich.text import Text

_COLOURS = ("cyan", "magenta", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_yellow", "bright_blue")


class RichScreen:
    """Lines scroll above the one that lives."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._status = Status("", console=self._console)

    def line(self, step: str, text: str, style: str = "") -> None:
        """The step's own colours are kept, but nothing else that could move the cursor."""
        body = Text(text, style) if style else Text.from_ansi(text)
        if step:
            colour = _COLOURS[zlib.crc32(step.encode()) % len(_COLOURS)]
            body = Text.assemble((f"(step: {step}) ", colour), body)
        self._console.print(body)

    def now(self, steps: list[str]) -> None:
        """A line while anything runs."""
        if not steps:
            self._status.stop()
            return
        self._status.update(Text(", ".join(steps)))
        self._status.start()

    def close(self) -> None:
        """The cursor is as it was."""
        self._status.stop()
