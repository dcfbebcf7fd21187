"""Reads builds as a program of the team does: over HTTP, from a web server of the house."""

from __future__ import annotations

import urllib.request

from accounts.models import User
from accounts.services.tokens import make_token
from builds.models import Step


class Reader:
    """`log(step)` and `events(step)` of one web server, in the name of one user."""

    def __init__(self, port: int, user: User) -> None:
        self._address = f"http://127.0.0.1:{port}/v2"
        self._token = make_token(user, "reader")[1]

    def log(self, step: Step) -> bytes:
        """All there is so far."""
        build = step.job.build
        with self.open(f"{self._of(step)}/steps/{step.uuid}/log") as answer:
            assert answer.status == 200, build
            return bytes(answer.read())

    def events(self, step: Step, last_id: str = ""):
        """The open stream of the build's events with the step's log, from `last_id` on."""
        return self.open(f"{self._of(step)}/events?step={step.uuid}", **({"Last-Event-ID": last_id} if last_id else {}))

    def open(self, path: str, **headers: str):
        """The answer to a GET; to be closed."""
        request = urllib.request.Request(
            self._address + path, headers={"Authorization": f"Bearer {self._token}", **headers}
        )
        return urllib.request.urlopen(request, timeout=30)

    def _of(self, step: Step) -> str:
        build = step.job.build
        return f"/organizations/{build.project.organization.uuid}/projects/{build.project.uuid}/builds/{build.uuid}"
