"""Writes down what the steps of one attempt do: their rows, fenced by (job, epoch), and their logs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from builds.logs.writer import LogWriter
from builds.models import Step
from builds.services.claim import Claim
from builds.services.fence import LostLease, check_owned, patiently
from builds.services.steps import path_text
from builds.services.texts import storable
from builds.signals import send_on_commit, step_moved
from builds.states import FINAL, Status
from runners.contract import Outcome, StepPath, StepResult, StepSpec, Stop, StopReason

log = logging.getLogger(__name__)


class StepRecorder:
    """The observer of one attempt. Its methods are called from the threads of the steps.

    Once the lease is lost it orders the stop, and says and writes nothing more.
    """

    def __init__(self, claim: Claim, stop: Stop) -> None:
        self._claim = claim
        self._stop = stop
        self._thread = threading.get_ident()
        steps = Step.objects.filter(job_id=claim.job_id, attempt=claim.attempt).select_related("job__build")
        steps = steps.only("uuid", "path", "status", "exit_code", "started_at", "job__uuid", "job__build__uuid")
        self._rows = {step.path: step for step in steps}
        self._writers: dict[str, LogWriter] = {}
        self.images: dict[str, str] = {}  # what the steps have told of the job's images so far
        self._lock = threading.Lock()

    def step_started(self, path: StepPath, step: StepSpec) -> None:
        """The step begins."""
        self._write(path, {"status": Status.RUNNING, "started_at": timezone.now()})

    def output(self, path: StepPath, data: bytes) -> None:
        """Bytes the step printed, secrets already hidden."""
        if row := self._rows.get(path_text(path)):
            self._writer(row).write(data)

    def step_finished(self, path: StepPath, step: StepSpec, result: StepResult) -> None:
        """The step ended, or was left out."""
        self.images.update(result.images)
        row = self._rows.get(path_text(path))
        if row is None:
            return
        fields: dict[str, object] = {
            "status": Status(result.outcome),
            "exit_code": result.exit_code,
            "failure": result.failure or "",
            "reason": storable(result.reason or step.skip),
            "image_digest": storable(result.image_digest, 200),
        }
        if row.started_at is not None:
            fields["finished_at"] = timezone.now()
        has_log = not step.kind.is_group and result.outcome != Outcome.SKIPPED
        # The end of the log and that of its step are one change, where the log can be ended at all.
        if has_log and not self._is_ghost and self._close_log(row, **fields):
            self._tell(row, fields)
        else:
            self._write(path, fields)

    def close(self) -> None:
        """Close what the engine left open."""
        for row in list(self._rows.values()):
            if row.path in self._writers:
                self._close_log(row)

    def _writer(self, row: Step) -> LogWriter:
        with self._lock:
            if row.path not in self._writers:
                self._writers[row.path] = LogWriter(
                    row,
                    guard=lambda: check_owned(self._claim),
                    spool_dir=settings.DATA_DIR / "spool",
                    cap_bytes=settings.LOG_CAP_BYTES,
                )
            return self._writers[row.path]

    def _close_log(self, row: Step, **also: object) -> bool:
        """Whether the row says now that the log has ended, and has `also`."""
        writer = self._writer(row)
        with self._lock:
            self._writers.pop(row.path, None)
        try:
            writer.close(**also)
        finally:
            self._leave_connection()
        return writer.has_ended

    def _write(self, path: StepPath, fields: Mapping[str, object]) -> None:
        row = self._rows.get(path_text(path))
        if row is None or self._is_ghost:
            return
        try:
            patiently(lambda: self._save(row, fields))
        except LostLease as error:
            log.warning("ghost: %s", error)
            self._stop.order(StopReason.LOST_LEASE)
        finally:
            self._leave_connection()

    @property
    def _is_ghost(self) -> bool:
        return self._stop.reason == StopReason.LOST_LEASE

    def _leave_connection(self) -> None:
        # The threads of the engine come and go; their connections must not outlive them.
        if threading.get_ident() != self._thread:
            connection.close()

    def _save(self, row: Step, fields: Mapping[str, object]) -> None:
        with transaction.atomic():
            check_owned(self._claim)
            if Step.objects.filter(pk=row.pk).exclude(status__in=FINAL).update(**fields):
                self._tell(row, fields)

    def _tell(self, row: Step, fields: Mapping[str, object]) -> None:
        for name, value in fields.items():
            setattr(row, name, value)
        send_on_commit(step_moved, Step, step=row)
