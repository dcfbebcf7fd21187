"""Constant requests to one address from several threads, and what came of each: what users notice of a deployment."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

PAUSE_SECONDS = 0.01
ANSWER_SECONDS = 10


@dataclass
class Seen:
    """What was answered since a moment."""

    answers: Counter[str] = field(default_factory=Counter)  # by the first line of the body
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answers.total() + len(self.failures)

    def share(self, answer: str) -> float:
        """Percent of all requests that were answered so."""
        return 100 * self.answers[answer] / self.requests

    @property
    def failed_percent(self) -> float:
        return 100 * len(self.failures) / self.requests


class Load:
    """While the block runs: `kept` threads keep their connections, `fresh` ones connect anew for each request."""

    def __init__(self, port: int, *, kept: int = 2, fresh: int = 2, path: str = "/") -> None:
        self._port, self._path = port, path
        self._lock, self._end = threading.Lock(), threading.Event()
        self._whole, self._since = Seen(), Seen()
        self._threads = [
            threading.Thread(target=self._ask_on, args=(keeps,)) for keeps in [True] * kept + [False] * fresh
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    @property
    def whole(self) -> Seen:
        """Everything since the beginning."""
        with self._lock:
            return Seen(self._whole.answers.copy(), list(self._whole.failures))

    def next(self, requests: int, *, seconds: float = 60) -> Seen:
        """What becomes of at least so many requests from now on."""
        with self._lock:
            self._since = Seen()
        until = time.monotonic() + seconds
        while self._since.requests < requests:
            assert time.monotonic() < until, f"only {self._since} in {seconds} s"
            self._end.wait(0.05)
        with self._lock:
            return self._since

    def _ask_on(self, keeps: bool) -> None:
        connection = self._connection()
        while not self._end.wait(PAUSE_SECONDS):
            answer, failure = self._ask(connection)
            with self._lock:
                for seen in (self._whole, self._since):
                    if failure:
                        seen.failures.append(failure)
                    else:
                        seen.answers[answer] += 1
            if failure or not keeps:
                connection.close()
                connection = self._connection()
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> tuple[str, str]:
        try:
            connection.request("GET", self._path)
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return "", f"{type(error).__name__}: {error}"
        first = body.partition("\n")[0]
        return (first, "") if answer.status < 400 else ("", f"{answer.status}: {first}")

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
