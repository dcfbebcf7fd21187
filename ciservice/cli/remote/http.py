"""The one door to a server: JSON there and back, and streams of events. TLS is checked, every wait has a limit.

It runs on a person's own machine, with their network: no address is closed to it, and a proxy of the environment is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from ciservice.cli.remote.errors import Denied, Misused, Refused, Unreachable

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60  # a stream says something at least every 15 s
MOST_BYTES = 64 << 20
Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One of a stream."""

    name: str
    id: str
    data: Json


@dataclass(frozen=True)
class Api:
    """A server, and who asks; without a token only the way in is open. Everything raises `Trouble` with an exit code."""

    url: str
    token: str = ""
    seconds: float = ANSWER_SECONDS

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in {"http", "https"} or not urlsplit(self.url).hostname:
            raise Misused(f"{self.url!r} is no address of a server: give one such as https://ci.example.com.")

    def get(self, path: str, **query: object) -> Json:
        """What a path answers; arguments that are None are left out."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._asked("GET", f"{path}?{urlencode(asked)}" if asked else path)

    def post(self, path: str, body: Mapping[str, object] | None = None, *, basic: str = "") -> Json:
        """Do something. `basic`: "email:password" instead of the token."""
        return self._asked("POST", path, body or {}, basic=basic)

    def delete(self, path: str) -> None:
        """Remove something."""
        self._asked("DELETE", path)

    def pages(self, path: str, name: str, most: int) -> Iterator[Json]:
        """The rows of a list, page after page, `most` of them."""
        seen = 0
        for page in range(1, 1000):
            found = self.get(path, page=page, per_page=min(50, most))
            for row in found[name]:
                yield row
                seen += 1
                if seen >= most:
                    return
            if page * 50 >= found["total"] or not found[name]:
                return

    def text(self, path: str) -> Iterator[bytes]:
        """A text, line by line, without line breaks."""
        answer = self._send("GET", path, stream=True)
        with closing(answer):
            try:
                yield from _lines(answer)
            except (HTTPError, OSError) as error:
                raise self._away(error) from error

    def events(self, path: str, last_id: str = "") -> Iterator[Event]:
        """A stream's events, until the server ends it. Unreachable where it breaks off: go on with the last id."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        answer = self._send("GET", path, headers=headers, stream=True)
        with closing(answer):
            try:
                yield from _events(_lines(answer))
            except (HTTPError, OSError, ValueError) as error:
                raise self._away(error) from error

    def _asked(self, method: str, path: str, body: Mapping[str, object] | None = None, *, basic: str = "") -> Json:
        headers = urllib3.util.make_headers(basic_auth=basic) if basic else {}
        answer = self._send(method, path, body=body, headers=headers)
        if answer.status == 204:
            return {}
        try:
            found = json.loads(answer.data[:MOST_BYTES])
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unreachable(f"{self.url} does not answer as ciservice does.")
        return found

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        given = {"Accept": "application/json", "User-Agent": f"ciservice/{version('ciservice')}"}
        if self.token:
            given["Authorization"] = f"Bearer {self.token}"
        try:
            # No redirects: the token is for this server alone.
            answer = self._pool.request(
                method,
                self.url.rstrip("/") + path,
                headers={**given, **(headers or {})},
                json=body,
                redirect=False,
                retries=False,
                preload_content=not stream,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, self.seconds), read=self.seconds),
            )
        except (HTTPError, OSError) as error:
            raise self._away(error) from error
        if answer.status >= 300:
            with closing(answer):
                self._refuse(answer)
        return answer

    def _refuse(self, answer: urllib3.BaseHTTPResponse) -> None:
        said = _said(answer)
        if answer.status == 401:
            raise Denied(f"{self.url} lets nobody in with this: log in with `ciservice login {self.url}`.")
        if answer.status in {403, 404}:
            raise Denied(said or "Not found.")
        if answer.status in {400, 409, 422, 429}:
            raise Refused(said or f"{self.url} answered {answer.status}.")
        raise Unreachable(f"{self.url} answered {answer.status}. {said}".strip())

    def _away(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self.url} cannot be reached: {_reason(error)}")

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        parts = urlsplit(self.url)
        proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
        return urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()


def _reason(error: Exception) -> str:
    """The innermost, which says it: connection refused, certificate expired."""
    inner = getattr(error, "reason", None)
    return _reason(inner) if isinstance(inner, Exception) else str(error)[:300]


def _said(answer: urllib3.BaseHTTPResponse) -> str:
    """The API's own words, where there are any."""
    try:
        found = json.loads(answer.data[:100_000])
        return " ".join(map(str, found["errors"]))[:1000]
    except (ValueError, KeyError, TypeError, HTTPError, OSError):
        return ""


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    held = b""
    while chunk := answer.read1(64 * 1024):
        *lines, held = (held + chunk).split(b"\n")
        yield from lines
    if held:
        yield held


def _events(lines: Iterator[bytes]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode(errors="replace").rstrip("\r").partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            data = json.loads(fields["data"])
            yield Event(fields.get("event", "message"), fields.get("id", ""), data if isinstance(data, dict) else {})
            fields = {}
