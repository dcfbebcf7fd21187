"""Whose fault is it: what the engine raises when our side broke. A failing command is a result, never an exception.

RunnerError             our side: the job ends `errored`, and may be tried again
+-- CheckoutError       the commit could not be had (git host down, key refused, commit gone)
+-- ImageError          an image could not be pulled or built
+-- EngineError         the Docker engine, the network or the disk failed
SpecError               the project's side: its services or steps ask for what cannot be; the step fails
"""

from __future__ import annotations


class RunnerError(Exception):
    """Our side broke: no engine, no disk, no network. `retry` says whether another attempt could help."""

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


class CheckoutError(RunnerError):
    """The commit could not be had."""


class ImageError(RunnerError):
    """An image could not be pulled."""


class EngineError(RunnerError):
    """The engine, a network or the disk failed."""


class SpecError(Exception):
    """The project asks for what cannot be: the text says what, where and what to do."""
