"""Writes segments: the file first, then its row, in a transaction that asks whether we still own the job."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
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
    """Appends segments to one step's log. Anything but `NotStored` that comes out of it was raised by the guard."""

    def __init__(self, step: Step, guard: Guard, *, number: int = 0) -> None:
        self._step = step
        self._guard = guard
        self._number = number

    def put(self, start: Cursor, data: bytes, times: Sequence[tuple[int, int]]) -> Cursor:
        """Store `data`, which begins at `start`; returns the place after it. Raises `NotStored`, and what the guard raises."""
        body, frames = segments.encode(data)
        try:
            name = segments.store(self._step.uuid, self._number, body)
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise NotStored(f"storage: {error}") from None
        after = start.after(data)
        row = Segment(
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
        self._save(row)
        self._number += 1
        return after

    def _save(self, row: Segment) -> None:
        try:
            self.commit(lambda: row.save(force_insert=True))
        except NotStored as error:
            # An answer that was lost on the way leaves open whether the row is there: its file must stay.
            if isinstance(error.__cause__, IntegrityError):
                _discard(row.storage_name)
                if not self._is_there(row):
                    raise
            else:
                raise
        except BaseException:
            _discard(row.storage_name)
            raise

    def _is_there(self, row: Segment) -> bool:
        """Whether an earlier try, of which we heard nothing, wrote this very row."""
        return Segment.objects.filter(
            step=row.step, number=row.number, first_byte=row.first_byte, byte_count=row.byte_count
        ).exists()

    def finish(self, totals: LogTotals) -> None:
        """Write the totals to the step's row: the log has ended. Raises as `put`."""
        values = {
            "log_lines": totals.lines,
            "log_bytes": totals.bytes,
            "log_omitted_lines": totals.omitted_lines,
            "log_complete": totals.complete,
            "log_ended": True,
        }
        self.commit(lambda: Step.objects.filter(pk=self._step.pk).update(**values))

    def commit(self, write: Callable[[], object]) -> None:
        """Have `write` change rows while the job is ours. Raises `NotStored`, and what the guard raises."""
        try:
            with transaction.atomic():
                self._guard()
                write()
        except (DatabaseError, InterfaceError) as error:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()  # the next try gets a fresh one
            raise NotStored(f"database: {error}") from error


def _discard(name: str) -> None:
    try:
        segments.discard(name)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        logger.warning("Left behind in storage: %s: %s", name, error)
