"""Saves the log of a step whose runner was lost: what only Redis has becomes segments, and the log ends."""

from __future__ import annotations

import logging

from django.db import transaction

from builds.logs import live, segments
from builds.logs.pieces import Map, Missing, Piece, survey_row
from builds.logs.store import LogTotals, NotStored, Store
from builds.models import Step

logger = logging.getLogger(__name__)


def rescue(step: Step) -> None:
    """End a step's log with everything that can still be had; does nothing where it ended. Call it after the reap.

    `log_complete` becomes true only where the writer had said that nothing follows. Raises nothing of storage's: what
    cannot be stored now is lost, and the row says so.
    """
    with transaction.atomic():
        # One rescuer at a time; the lost writer is fenced by its guard since the reap.
        held = Step.objects.select_for_update(of=("self",)).filter(pk=step.pk, log_ended=False).first()
        if held is None:
            return
        tail = live.tail(held.uuid)
        log = survey_row(held)
        whole = _store(held, log)
        whole = whole and tail.ended and not any(isinstance(stretch, Missing) for stretch in log.walk())
        # Gaps count as lost, not as left out: whether the cap made them is not known any more.
        Store(held, _mine).finish(LogTotals(log.lines, log.end.byte, omitted_lines=0, complete=whole), {})
    live.close(step.uuid, log.end.byte)
    step.refresh_from_db()


def _mine() -> None:
    """The reaper took the job: nobody else writes."""


def _store(step: Step, log: Map) -> bool:
    store = Store(step, _mine, number=step.segments.count())
    loose = [piece for piece in log.pieces if isinstance(piece.source, bytes)]
    try:
        for group in _groups(loose):
            marks = [mark for piece in group for mark in piece.marks]
            store.put(
                group[0].start, b"".join(piece.source for piece in group if isinstance(piece.source, bytes)), marks
            )
        store.save()
    except NotStored as error:
        logger.warning("step=%s the end of its log is lost: %s", step.uuid, error)
        return False
    return True


def _groups(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces that follow each other without a gap, at most a segment's size together."""
    groups: list[list[Piece]] = []
    size = 0
    for piece in pieces:
        length = piece.after.byte - piece.start.byte
        if groups and groups[-1][-1].after.byte == piece.start.byte and size + length <= segments.SEGMENT_BYTES:
            groups[-1].append(piece)
            size += length
        else:
            groups.append([piece])
            size = length
    return groups
