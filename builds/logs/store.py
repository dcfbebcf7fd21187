"""Writes segments: the file first, then its row, in a transaction that asks whether we still own the job."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction

from builds.logs import segments
from builds.logs.spool import Cursor
from builds.models import Segment, Step

logger = logging.getLogger(__name__)

Guard = Callable[[], None]
"""Raises where another attempt owns the job; called inside the transaction that writes."""


class NotStored(Exception):
    """The storage or the database failed: try again later."""


@dataclass(frozen=True)
class LogTotals:
    """A log as a whole, when it ended."""

    lines: int
    bytes: int
    omitted_lines: int  # left out by the cap, wholly or in part
    complete: bool  # everything else is stored


class Store:
    """Appends segments to one step's log. Anything but `NotStored` that comes out of it was raised by the guard.

    The newest segment's row waits for company: for the next segment, for `save`, or for the end.
    """

    def __init__(self, step: Step, guard: Guard, *, number: int = 0) -> None:
        self._step = step
        self._guard = guard
        self._number = number
        self._waiting: Segment | None = None

    def put(self, start: Cursor, data: bytes, times: Sequence[tuple[int, int]]) -> Cursor:
        """Store the file of `data`, which begins at `start`; returns the place after it. Raises `NotStored`, and what
        the guard raises: then this segment is to be put again.
        """
        self.save()
        body, frames = segments.encode(data)
        try:
            name = segments.store(self._step.uuid, self._number, body)
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise NotStored(f"storage: {error}") from None
        after = start.after(data)
        self._waiting = Segment(
            step=self._step,
            number=self._number,
            first_byte=start.byte,
            first_line=start.line,
            byte_count=len(data),
            line_breaks=after.line - start.line,
            starts_line=start.starts_line,
            ends_line=after.starts_line,
            frames=frames,
            times=[list(mark) for mark in times],
            storage_name=name,
        )
        self._number += 1
        return after

    def save(self) -> None:
        """Write the row that waits, if one does. Raises as `put`."""
        if self._waiting is not None:
            self._commit({})

    def finish(self, totals: LogTotals, also: Mapping[str, object]) -> None:
        """Write the totals, and `also`, to the step's row: the log has ended. Raises as `put`."""
        values = {
            "log_lines": totals.lines,
            "log_bytes": totals.bytes,
            "log_omitted_lines": totals.omitted_lines,
            "log_complete": totals.complete,
            "log_ended": True,
        }
        self._commit({**values, **also})

    def _commit(self, values: Mapping[str, object]) -> None:
        """Write the row that waits and the step's values, both or neither, while the job is ours."""
        try:
            with transaction.atomic():
                self._guard()
                if self._waiting is not None:
                    self._waiting.pk = None  # of a try that was rolled back
                    self._waiting.save(force_insert=True)
                if values:
                    Step.objects.filter(pk=self._step.pk).update(**values)
        except (DatabaseError, InterfaceError) as error:
            self._recover(error)
            raise NotStored(f"database: {error}") from error
        except BaseException:
            if self._waiting is not None:
                _discard(self._waiting.storage_name)
            raise
        self._waiting = None

    def _recover(self, error: Exception) -> None:
        """Make the next try one that can work: on a good connection, and without a row that is there already."""
        if connection.in_atomic_block:
            return
        connection.close_if_unusable_or_obsolete()
        if isinstance(error, IntegrityError) and self._waiting is not None:
            # An earlier try worked, and its answer was lost on the way.
            with contextlib.suppress(DatabaseError, InterfaceError):
                if Segment.objects.filter(step=self._step, storage_name=self._waiting.storage_name).exists():
                    self._waiting = None


def _discard(name: str) -> None:
    try:
        segments.discard(name)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        logger.warning("Left behind in storage: %s: %s", name, error)
