"""HTTP to addresses that strangers typed: the only module that imports requests.

What is checked is the address that is connected to, not the one that was looked up before: a name that resolves anew
between check and use gains nothing. No redirects, no proxies or passwords from the environment, an end after 15 s.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from builds.outbound.call import Call
from builds.outbound.errors import DeliveryError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3
READ_SECONDS = 10
TOTAL_SECONDS = 15
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back: status and at most MOST_BYTES of the body, as sent."""

    status: int
    body: bytes


def post(
    url: str, *, json: object = None, data: bytes | str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """POST to `url` and return its answer, whatever its status; DeliveryError where there is none.

    Blocks for TOTAL_SECONDS at most. A redirect is an answer, never followed.
    """
    _check(url)
    # identity: 64 KiB of a compressed body could be gigabytes.
    sent = {"User-Agent": "ciservice", "Accept-Encoding": "identity", **(headers or {})}
    call = Call(connect_seconds=CONNECT_SECONDS, total_seconds=TOTAL_SECONDS)
    try:
        with (
            call,
            _session(call) as session,
            session.post(
                url,
                json=json,
                data=data,
                headers=sent,
                allow_redirects=False,
                stream=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            ) as answer,
        ):
            if call.timed_out:  # headers that were cut off look like headers that ended
                raise requests.Timeout
            return Answer(answer.status_code, _body(answer))
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise _explained(error, timed_out=call.timed_out) from error


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise DeliveryError("This is not an address", permanent=True) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DeliveryError("Only addresses that begin with https:// or http:// are called", permanent=True)


def _body(answer: requests.Response) -> bytes:
    """The body, or nothing where it does not come: the status has said what happened."""
    try:
        data: bytes = answer.raw.read(MOST_BYTES, decode_content=False)
    except (HTTPError, OSError):
        return b""
    return data


def _explained(error: Exception, *, timed_out: bool) -> DeliveryError:
    """The error as one sentence for people, without the address, which may hold a secret."""
    if timed_out or isinstance(error, (requests.Timeout, TimeoutError)):
        return DeliveryError(f"No answer within {TOTAL_SECONDS} s")
    if isinstance(error, requests.exceptions.SSLError):
        return DeliveryError("The server's certificate is not trusted")
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.ConnectionError):
        return DeliveryError("This is not an address", permanent=True)
    log.info("outbound call failed: %s", type(error).__name__)
    return DeliveryError("The connection failed")


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


class _Adapter(HTTPAdapter):
    """Has requests use the guarded connections."""

    def __init__(self, call: Call) -> None:
        self._call = call
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool manager, with pools that are bound to the call."""
        super().init_poolmanager(*args, **kwargs)
        bound = {"call": self._call}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": type("Connection", (_Plain,), bound)}),
            "https": type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": type("Connection", (_Encrypted,), bound)}),
        }
