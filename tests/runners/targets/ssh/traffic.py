"""A web server that serves what a link leads to, and people who read all the time."""

from __future__ import annotations

import functools
import http.client
import threading
from collections import Counter
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

READERS = 3


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Traffic:
    """Requests without a pause, each on a connection of its own; every answer is counted."""

    def __init__(self, folder: Path, path: str = "/release.txt") -> None:
        self._path = path
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
            connection.request("GET", self._path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

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
        self.close()

    def close(self) -> None:
        """Give the port back; the end of the block does so, too."""
        self._server.server_close()
