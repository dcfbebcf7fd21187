"""What a step can reach from inside: nothing of other builds, and nothing of ours that is a file or a socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from runners.contract import Outcome, Stop, StopReason
from tests.runners.jobs import run
from tests.servers import wait_until

pytestmark = pytest.mark.docker

LISTEN = "hostname -i; while true; do echo neighbour | nc -l -p 7000; done"


def test_another_build_is_out_of_reach(executor, make_job, objects):
    """Each on a network of its own: the port answers within the build and not beyond it.

    While no network is being made: then Docker 20.10 takes its walls down for some milliseconds (docs/operations.md).
    """
    listener, stop, heard = run("listen", LISTEN), Stop(), []
    has_address = threading.Event()

    def hear(data: bytes) -> None:
        heard.append(data)
        has_address.set()

    job, other = make_job(listener), make_job(run("call", ""))
    with (
        executor.workspace(job, stop, lambda _: None) as first,
        executor.workspace(other, Stop(), lambda _: None) as second,
    ):
        thread = threading.Thread(target=first.run, args=(listener, hear, stop))
        thread.start()
        try:
            assert has_address.wait(30)
            address = heard[0].decode().split()[0]
            call = f"echo call | nc -w 3 {address} 7000 | grep neighbour"
            answers: list[bytes] = []
            second.run(run("begin", "true"), answers.append, Stop())
            wait_until(_rests(objects.all), what="the rooms that are being made")
            inside = first.run(run("inside", call), answers.append, Stop())
            outside = second.run(run("outside", call), answers.append, Stop())
        finally:
            stop.order(StopReason.CANCELLED)
            thread.join()
    assert (inside.outcome, outside.outcome) == (Outcome.PASSED, Outcome.FAILED), answers


def _rests(read: Callable[[], list[str]]) -> Callable[[], bool]:
    """A condition: what `read` says has not changed for a second."""
    seen: list[str] = []
    since = time.monotonic()

    def rests() -> bool:
        nonlocal seen, since
        if (now := sorted(read())) != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 1

    return rests


def test_sockets_of_the_host_are_not_inside(perform, settings):
    """The engine's, PostgreSQL's and Redis', wherever they usually lie; and the service's own folder."""
    script = f"""
for path in /var/run/docker.sock /run/docker.sock /run/containerd /var/run/postgresql /run/redis {settings.data_dir}; do
  test ! -e $path || echo found $path
done
find / -xdev -type s 2>/dev/null
"""
    [(result, text)] = perform(run("look", script))
    assert (result.outcome, text) == (Outcome.PASSED, "")
