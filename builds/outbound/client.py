"""HTTP to addresses that strangers typed: the only module that imports requests.

What is checked is the address that is connected to, not the one that was looked up before: a name that resolves anew
between check and use gains nothing. No redirects, no proxies or passwords from the environment, an end after 15 s.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from builds.outbound.call import Call
from builds.outbound.errors import DeliveryError
from builds.outbound.explained import explained

CONNECT_SECONDS = 3
READ_SECONDS = 10
TOTAL_SECONDS = 15
MOST_BYTES = 64 * 1024
# identity: 64 KiB of a compressed body could be gigabytes.
HEADERS = {"User-Agent": "ciservice", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers and as much of the body as was asked for (MOST_BYTES), as sent."""

    status: int
    body: bytes
    milliseconds: int = 0  # from the beginning of the call until its headers were read
    certificate_ends: datetime | None = None  # None without TLS
    headers: Mapping[str, str] = field(default_factory=dict)  # asked for by name, in capitals or not


def post(
    url: str, *, json: object = None, data: bytes | str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """POST to `url` and return its answer, whatever its status; DeliveryError where there is none.

    Blocks for TOTAL_SECONDS at most. A redirect is an answer, never followed.
    """
    request = requests.Request("POST", url, json=json, data=data, headers={**HEADERS, **(headers or {})})
    return _exchange(request, read_seconds=READ_SECONDS, total_seconds=TOTAL_SECONDS)


def get(url: str, *, total_seconds: float | None = None) -> Answer:
    """GET `url`, with the user and password in it, if any; otherwise as `post`. TOTAL_SECONDS where nothing is said."""
    seconds = TOTAL_SECONDS if total_seconds is None else total_seconds
    return _exchange(requests.Request("GET", url, headers=HEADERS), read_seconds=seconds, total_seconds=seconds)


def request(
    method: str,
    url: str,
    *,
    json: object = None,
    headers: Mapping[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """As `post`, with any method, for answers that are read up to `most_bytes`: what is longer is cut there."""
    asked = requests.Request(method, url, json=json, headers={**HEADERS, **(headers or {})})
    return _exchange(asked, read_seconds=READ_SECONDS, total_seconds=TOTAL_SECONDS, most_bytes=most_bytes)


def _exchange(
    request: requests.Request, *, read_seconds: float, total_seconds: float, most_bytes: int = MOST_BYTES
) -> Answer:
    _check(request.url)
    call = Call(connect_seconds=CONNECT_SECONDS, total_seconds=total_seconds)
    try:
        with call, _session(call) as session, _sent(session, request, read_seconds) as answer:
            if call.timed_out:  # headers that were cut off look like headers that ended
                raise requests.Timeout
            milliseconds = round(answer.elapsed / timedelta(milliseconds=1))
            body = _body(answer, most_bytes)
            return Answer(answer.status_code, body, milliseconds, call.certificate_ends, answer.headers)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        if call.timed_out or isinstance(error, (requests.Timeout, TimeoutError)):
            raise DeliveryError(f"No answer within {total_seconds:g} s") from error
        raise explained(error) from error


def _sent(session: requests.Session, request: requests.Request, read_seconds: float) -> requests.Response:
    return session.send(
        session.prepare_request(request), allow_redirects=False, stream=True, timeout=(CONNECT_SECONDS, read_seconds)
    )


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise DeliveryError("This is not an address", permanent=True) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DeliveryError("Only addresses that begin with https:// or http:// are called", permanent=True)


def _body(answer: requests.Response, most_bytes: int) -> bytes:
    """The body, or nothing where it does not come: the status has said what happened."""
    try:
        data: bytes = answer.raw.read(most_bytes, decode_content=False)
    except (HTTPError, OSError):
        return b""
    return data


def _session(call: Call) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxies, no .netrc
    session.adapters.clear()
    session.mount("http://", _Adapter(call))
    session.mount("https://", _Adapter(call))
    return session


class _Plain(HTTPConnection):
    """Connects only where the call may."""

    call: Call

    def _new_conn(self) -> socket.socket:
        return self.call.connect(self._dns_host, self.port or 80)


class _Encrypted(HTTPSConnection):
    """Connects only where the call may; the certificate is checked against the name that was typed."""

    call: Call

    def _new_conn(self) -> socket.socket:
        return self.call.connect(self._dns_host, self.port or 443)

    def connect(self) -> None:
        """Connect, and note until when the certificate is good: once the answer is read, the socket may be gone."""
        super().connect()
        shown = self.sock.getpeercert() if isinstance(self.sock, ssl.SSLSocket) else None
        if shown:
            self.call.certificate_ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


class _Adapter(HTTPAdapter):
    """Has requests use the guarded connections."""

    def __init__(self, call: Call) -> None:
        self._call = call
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool manager, with pools that are bound to the call."""
        if settings.OUTBOUND_CA_FILE:  # beside the public ones, which requests loads into it
            kwargs["ssl_context"] = create_urllib3_context()
            kwargs["ssl_context"].load_verify_locations(settings.OUTBOUND_CA_FILE)
        super().init_poolmanager(*args, **kwargs)
        bound = {"call": self._call}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": type("Connection", (_Plain,), bound)}),
            "https": type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": type("Connection", (_Encrypted,), bound)}),
        }
