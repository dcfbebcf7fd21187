"""Heroku's API over HTTPS: asked again where that may help, and what it refuses in words for people."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from runners.targets.contract import TargetError
from runners.targets.waiting import PassingError

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
_UPLOAD_SECONDS = 900.0
_TRIES = 4
_MOST_PAUSE = 30.0
_MOST_BYTES = 16 << 20
_MOST_SHOWN = 500


class Api:
    """`url` is https://api.heroku.com but for stand-ins. Every call ends: in an answer, a TargetError or a PassingError."""

    def __init__(self, url: str, key: str) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise TargetError("`api_url` begins with https://.")
        if not key.isascii() or not key.isprintable():
            raise TargetError("The API key has characters that no key of Heroku's has: look at the secret.")
        self._url = url.rstrip("/")
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/vnd.heroku+json; version=3",
            "User-Agent": "ciservice",
        }
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), retries=False
        )

    def get(self, path: str, *, order: str = "") -> Any:
        """The answer's JSON; a list in this order: Heroku's header `Range`."""
        return self._tried("GET", path, None, {"Range": order} if order else {})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of what was made."""
        return self._tried("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def upload(self, url: str, source: IO[bytes], size: int) -> None:
        """Put a file to an address that Heroku gave: it is signed, and gets no key."""
        headers = {"Content-Type": "", "Content-Length": str(size)}
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=_UPLOAD_SECONDS)
        try:
            answer = self._pool.request("PUT", url, body=source, headers=headers, timeout=timeout, redirect=False)
        except HTTPError as error:
            raise _no_answer(error, "Heroku's store for sources") from None
        if answer.status >= 300:
            raise TargetError(f"Heroku's store for sources refuses the upload ({answer.status}).")

    def opened(self, url: str, seconds: float) -> urllib3.BaseHTTPResponse:
        """An address that Heroku gave, to be read as it comes; `seconds` is the longest silence."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds)
        return self._pool.request("GET", url, preload_content=False, timeout=timeout, redirect=False)

    def _tried(self, method: str, path: str, body: bytes | None, extra: Mapping[str, str]) -> Any:
        """What may pass is tried again, with pauses; what may have been done is not done again."""
        pause = 0.5
        for left in range(_TRIES - 1, -1, -1):
            try:
                return self._once(method, path, body, extra)
            except _AgainError as again:
                if not left or (method == "POST" and not again.is_undone):
                    raise
                time.sleep(min(again.pause or pause, _MOST_PAUSE))
                pause *= 2
        raise AssertionError("the last try raises")

    def _once(self, method: str, path: str, body: bytes | None, extra: Mapping[str, str]) -> Any:
        try:
            answer = self._pool.request(
                method, self._url + path, body=body, headers={**self._headers, **extra}, preload_content=False
            )
            with answer:
                data = answer.read(_MOST_BYTES, decode_content=True)
        except HTTPError as error:
            raise _no_answer(error, "Heroku") from None
        if answer.status >= 300:
            raise _refusal(answer.status, data, answer.headers.get("Retry-After", ""))
        try:
            return json.loads(data)
        except ValueError:
            raise TargetError(f"Heroku's answer to {method} {path} is no JSON: look at `api_url`.") from None


class _AgainError(PassingError):
    def __init__(self, text: str, *, is_undone: bool, pause: float = 0.0) -> None:
        super().__init__(text)
        self.is_undone = is_undone  # Heroku did nothing
        self.pause = pause


def _no_answer(error: HTTPError, who: str) -> TargetError:
    said = str(error)[:_MOST_SHOWN]
    if isinstance(error, SSLError):
        return TargetError(f"The certificate of {who} is not trusted: {said}.")
    is_undone = isinstance(error, NewConnectionError | ConnectTimeoutError)
    return _AgainError(f"{who} gives no answer: {said}.", is_undone=is_undone)


def _refusal(status: int, data: bytes, retry_after: str) -> TargetError:
    said = _message(data)
    if status == 401:
        return TargetError("Heroku does not accept the API key: look at the secret HEROKU_API_KEY, or `api_key`.")
    if status == 402:
        return TargetError(f"Heroku wants the account's payment looked at: {said}.")
    if status == 403:
        return TargetError(f"Heroku does not let this key do it: {said}.")
    if status == 404:
        return TargetError(f"Heroku does not know it: {said}. Look at `name`, and whose key it is.")
    if status == 429:
        pause = float(retry_after) if retry_after.isdecimal() else 0.0
        return _AgainError("Heroku was asked too often and went on refusing.", is_undone=True, pause=pause)
    if status >= 500:
        return _AgainError(f"Heroku has a fault of its own ({status}: {said}).", is_undone=status == 503)
    return TargetError(f"Heroku refuses it ({status}): {said}.")


def _message(data: bytes) -> str:
    try:
        found = json.loads(data)
    except ValueError:
        return "without a word"
    text = found.get("message") if isinstance(found, dict) else ""
    return str(text or "without a word").strip()[:_MOST_SHOWN].rstrip(".")
