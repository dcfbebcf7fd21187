"""Ten deployments under traffic: a web server that serves what the link leads to, and people who read all the time."""

from __future__ import annotations

import functools
import http.client
import threading
from collections import Counter
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runners.targets.contract import TargetError
from tests.runners.targets.releases import Log

READERS = 3
DEPLOYMENTS = 10


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Traffic:
    """Requests without a pause, each on a connection of its own; every answer is counted."""

    def __init__(self, folder) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        self._server.daemon_threads = True
        self._over = threading.Event()
        self.answers: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,))]
        self._threads += [threading.Thread(target=self._read) for _ in range(READERS)]

    def _read(self) -> None:
        while not self._over.wait(0.002):
            answer = self._ask()
            with self._lock:
                self.answers[answer] += 1

    def _ask(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self._server.server_address, timeout=10)
        try:
            connection.request("GET", "/release.txt")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads[1:]:
            thread.join()
        self._server.shutdown()
        self._threads[0].join()
        self._server.server_close()


def test_not_one_request_is_lost_over_ten_deployments(host):
    host.deliver(1)
    with Traffic(host.disk() / "current") as traffic:
        for number in range(2, 2 + DEPLOYMENTS):
            host.target.deliver(host.given(keep=1), host.release(number, previous=str(number - 1)), Log())

    bad = {answer: count for answer, count in traffic.answers.items() if answer[0] != 200}
    assert bad == {}
    assert {text for _, text in traffic.answers} >= {str(number) for number in range(1, 1 + DEPLOYMENTS)}
    assert sum(traffic.answers.values()) > 10 * DEPLOYMENTS


@pytest.mark.parametrize("bad", [{"before": "exit 1"}, {"check": "exit 1", "check_within": "1s"}])
def test_a_bad_release_loses_no_request_either(host, bad):
    host.deliver(1)
    with Traffic(host.disk() / "current") as traffic, pytest.raises(TargetError):
        host.deliver(2, host.given(**bad), previous="1")

    assert {status for status, _ in traffic.answers} == {200}
    assert host.serving() == {"1": 1.0}
