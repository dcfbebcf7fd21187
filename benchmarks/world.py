"""What the measurements share: the instance, the raw work beside it, and how often to repeat."""

from __future__ import annotations

import contextlib
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.hosted.service import Service
from benchmarks.machine import ROOT
from benchmarks.raw import Raw
from benchmarks.subject import Subject


class World:
    """Starts what is asked for when it is asked for; leaving the block ends all of it."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.buildbot: dict[str, str] = {}  # what it took for the same here, where it was measured in this run
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> World:
        self.folder = Path(self._ends.enter_context(tempfile.TemporaryDirectory(prefix="ci-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def times(self, usual: int, quick: int) -> int:
        """How often, by how thorough we are asked to be."""
        return quick if self.quick else usual

    @cached_property
    def subject(self) -> Subject:
        """A `ciservice up` that stores whole logs, so that long output is written and not cut."""
        subject = Subject(self.folder / "data", LOG_CAP_MB="1024", PYTHONPATH=str(ROOT))
        self._ends.callback(subject.stop)
        subject.start()
        return subject

    @cached_property
    def raw(self) -> Raw:
        """The raw work on the same repository."""
        raw = Raw(Path(self.subject.credentials["demo"]["repository"]))
        self._ends.callback(raw.close)
        return raw

    @cached_property
    def service(self) -> Service:
        """The production form, on PostgreSQL."""
        service = Service(self.folder / "hosted")
        self._ends.callback(service.stop)
        service.start()
        return service

    @cached_property
    def known(self) -> dict[str, Any]:
        """The person in its database: organization, token, session."""
        return self.service.call("people")
