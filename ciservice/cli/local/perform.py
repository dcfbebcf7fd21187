"""Runs one pipeline on this machine with the runner's own engine, and ends it in order at Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ciservice.cli.local.errors import BROKEN, FAILED, INTERRUPTED, Broken
from ciservice.cli.local.place import running
from ciservice.cli.local.show import Printer
from runners.contract import Executor, JobResult, JobSpec, Outcome, Stop, StopReason
from runners.engine import execute
from runners.errors import RunnerError
from runners.executors import make_executor
from runners.executors.config import ExecutorSettings

_CODES = {Outcome.PASSED: 0, Outcome.SKIPPED: 0, Outcome.ERRORED: BROKEN, Outcome.CANCELLED: INTERRUPTED}


@contextmanager
def opened(settings: ExecutorSettings) -> Iterator[Executor]:
    """The executor, ready; Broken where this machine has none. Leaving it waits until all is removed."""
    executor = make_executor(settings)
    try:
        executor.open()
    except RunnerError as error:
        raise Broken(str(error)) from None
    try:
        yield executor
    finally:
        executor.close()


def perform(job: JobSpec, executor: Executor, printer: Printer) -> int:
    """Run it to its end and say how it ended; the exit code."""
    stop = Stop()
    found: list[JobResult] = []
    work = threading.Thread(target=lambda: found.append(execute(job, executor, printer, stop)), name="run")
    with running(job.job_id), _interrupts(stop, printer):
        work.start()
        work.join()
    return _tell(found[0], printer)


@contextmanager
def _interrupts(stop: Stop, printer: Printer) -> Iterator[None]:
    """Ctrl-C ends the steps and removes what they had; a second one leaves at once."""

    def order() -> None:
        printer.say("Stopping; once more leaves at once, without cleaning up.")
        stop.order(StopReason.CANCELLED)

    def heard(_number: int, _frame: FrameType | None) -> None:
        if stop.reason is not None:
            os._exit(INTERRUPTED)
        # A thread of its own: the one that is interrupted may hold a lock that the order needs.
        threading.Thread(target=order, name="stop").start()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(result: JobResult, printer: Printer) -> int:
    if result.outcome is Outcome.PASSED:
        if result.awaits_approval:
            printer.say("The manual steps were left out: they run on the server, where a person approves them.")
        return 0
    printer.say(result.reason or result.outcome.value, "red")
    return _CODES.get(result.outcome, FAILED)
