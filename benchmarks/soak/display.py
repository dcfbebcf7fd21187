"""One living line on a terminal; elsewhere a plain line from time to time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

PLAIN_SECONDS = 30.0


class Display:
    """Shows what `line` returns until told to stop."""

    def __init__(self, line: Callable[[], str], *, stop: threading.Event) -> None:
        self._line, self._stop = line, stop

    def run(self) -> None:
        """In a thread of its own."""
        if sys.stdout.isatty():
            console = Console()
            with Live(Text(self._line()), console=console, refresh_per_second=4, transient=True) as live:
                while not self._stop.wait(0.25):
                    live.update(Text(self._line(), overflow="ellipsis", no_wrap=True))
            return
        last = 0.0
        while not self._stop.wait(0.5):
            if time.monotonic() - last >= PLAIN_SECONDS:
                last = time.monotonic()
                print(self._line(), flush=True)
