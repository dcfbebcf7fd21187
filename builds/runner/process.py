"""The runner's process: the loop first, Celery's consumer beside it for the bells, and signals that drain.

The main thread only waits for signals. So SIGTERM drains whether or not the broker answers, and a consumer that has
gone deaf or fallen over costs nothing but the time to the next poll.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import celery
from celery.worker import state as celery_state
from django.conf import settings

from builds.runner.loop import RunnerLoop
from builds.runner.times import Times
from builds.services.identity import RunnerIdentity
from builds.services.machine import executor_settings
from builds.signals import bell_rung
from runners.executors import make_executor

log = logging.getLogger(__name__)

QUEUE = "runners"
_CONSUMER_PAUSE_SECONDS = 5


def main() -> None:
    """Claim and run jobs until SIGTERM, SIGINT, or an order to drain in the runner's row; then drain for DRAIN_SECONDS.

    A second signal ends the wait.
    """
    loop = make_loop()
    asked = threading.Event()
    _on_signals(asked, loop.hurry)
    bell_rung.connect(loop.ring, weak=False)
    loop.start()
    threading.Thread(target=_consume, args=(asked,), name="runner-bells", daemon=True).start()
    # In short waits: a handler runs between two of them at the latest, whatever the platform does with a long one.
    while not (asked.wait(1) or loop.told_to_drain.is_set()):
        pass
    log.warning("runner drains: %d jobs have %d s", loop.held, settings.DRAIN_SECONDS)
    if not loop.drain(settings.DRAIN_SECONDS):
        log.error("runner leaves %d jobs to the reaper", loop.held)
    asked.set()
    bell_rung.disconnect(loop.ring)
    celery_state.should_stop = True  # type: ignore[assignment]
    loop.stop()


def make_loop() -> RunnerLoop:
    """The loop that this process' settings describe."""
    identity = RunnerIdentity(
        name=settings.RUNNER_NAME or socket.gethostname(),
        labels=frozenset(label.lower() for label in settings.RUNNER_LABELS),
        serves=settings.RUNNER_SERVES,
        organization=settings.RUNNER_ORGANIZATION,
    )
    executor = make_executor(executor_settings())
    return RunnerLoop(executor, identity, capacity=settings.RUNNER_CAPACITY, times=Times.from_settings())


def _on_signals(asked: threading.Event, again: Callable[[], None]) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            again()
        asked.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _consume(asked: threading.Event) -> None:
    """Listen for bells until the process ends; Celery reconnects by itself, and is started anew where it gives up."""
    app = celery.current_app
    while not asked.is_set():
        try:
            worker = app.WorkController(
                app=app,
                hostname=f"runner@{socket.gethostname()}",
                queues=[QUEUE],
                pool="threads",
                concurrency=1,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            )
            worker.start()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the edge of this thread; polling goes on
            log.warning("no bells are heard: %s", error)
        asked.wait(_CONSUMER_PAUSE_SECONDS)
