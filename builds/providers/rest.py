"""One git host's REST API: calls with the token, and answers turned into JSON or one of our errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from builds.outbound import client
from builds.outbound.client import Answer
from builds.outbound.errors import DeliveryError
from builds.providers.errors import Forbidden, Missing, ProviderError, RateLimited, Refused, Unauthorized, Unavailable
from builds.providers.reading import parsed, rows
from builds.providers.said import said

MOST_BYTES = 2 * 1024 * 1024
MOST_PAGES = 10
_HOPS = 2
_MOVED = {301, 302, 307, 308}
# As the hosts write their tokens: also those that we do not use any more.
_TOKEN = re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-|ATATT|ATCTT|BBDC-)[\w.=-]+")
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)


def part(text: str) -> str:
    """`text` as one part of a path; Missing where it would lead out of it."""
    if not text.strip("."):
        raise Missing("What it is called there is not known: connect the project again.")
    return quote(text, safe="")


def name_parts(name: str) -> str:
    """owner/name as parts of a path; Missing where it is not of that form."""
    owner, _, repository = name.partition("/")
    if "/" in repository:
        raise Missing("The repository's name is not owner/name: connect the project again.")
    return f"{part(owner)}/{part(repository)}"


class Rest:
    """Calls below `api`. `headers` gives those that let us in, `secrets` what no error may repeat.

    `renew` is asked after a 401 whether another token may do better.
    """

    def __init__(
        self,
        host: str,
        api: str,
        headers: Callable[[], Mapping[str, str]],
        secrets: Callable[[], tuple[str, ...]],
        renew: Callable[[], bool] = lambda: False,
    ) -> None:
        self._host = host
        self._api = api.rstrip("/")
        self._headers = headers
        self._renew = renew
        self._secrets = secrets

    def __repr__(self) -> str:
        return f"Rest({self._api})"

    def call(self, method: str, path: str, *, json: object = None, needs: str = "") -> Answer:
        """The answer, where it is a good one; `needs` names the permission that the call takes."""
        answer = self._send(method, path, json)
        if answer.status == 401 and self._renew():
            answer = self._send(method, path, json)
        if not 200 <= answer.status < 300:
            raise self._error(answer, needs)
        if len(answer.body) >= MOST_BYTES:
            raise Unavailable(f"{self._host} answered with more than {MOST_BYTES // 1024 // 1024} MiB.")
        return answer

    def get(self, path: str, *, needs: str = "") -> Any:
        """The JSON at `path`."""
        return parsed(self.call("GET", path, needs=needs).body)

    def send(self, method: str, path: str, json: object, *, needs: str = "") -> Any:
        """The JSON that came of it."""
        return parsed(self.call(method, path, json=json, needs=needs).body)

    def remove(self, path: str, *, needs: str = "") -> None:
        """DELETE; what is gone already is fine."""
        try:
            self.call("DELETE", path, needs=needs)
        except Missing:
            return

    def pages(self, path: str, size: str, *, needs: str = "") -> Iterator[dict[str, Any]]:
        """The rows of the pages of a list, of MOST_PAGES at most; `size` is the parameter that makes pages of 50."""
        mark = "&" if "?" in path else "?"
        seen: object = None
        for page in range(1, MOST_PAGES + 1):
            found = rows(self.get(f"{path}{mark}{size}=50&page={page}", needs=needs))
            if found == seen:  # it does not mind which page it is asked for
                return
            yield from found
            if len(found) < 50:
                return
            seen = found

    def _send(self, method: str, path: str, json: object) -> Answer:
        """The answer; a repository that moved is followed, within this API only."""
        url = self._api + path
        for _ in range(_HOPS + 1):
            answer = self._ask(method, url, json)
            if answer.status not in _MOVED:
                return answer
            url = self._within(urljoin(url, answer.headers.get("Location", "")))
        raise Unavailable(f"{self._host} sends us from one address to the next.")

    def _within(self, url: str) -> str:
        try:
            there, here = urlsplit(url), urlsplit(self._api)
            is_ours = (there.scheme, there.netloc) == (here.scheme, here.netloc)
        except ValueError:
            is_ours, there = False, here
        if not is_ours or not there.path.startswith(f"{here.path}/") or "/.." in there.path:
            raise Unavailable(
                f"{self._host} sends us to another address, where the token is not taken: check its address."
            )
        return url

    def _ask(self, method: str, url: str, json: object) -> Answer:
        try:
            return client.request(method, url, json=json, headers=self._headers(), most_bytes=MOST_BYTES)
        except DeliveryError as error:
            remedy = (
                " Its administrator can allow it by OUTBOUND_ALLOWED_HOSTS." if "public internet" in str(error) else ""
            )
            raise Unavailable(f"{self._host}: {error}.{remedy}") from None

    def _error(self, answer: Answer, needs: str) -> ProviderError:
        status, host = answer.status, self._host
        words = self._clean(said(answer.body))
        if status == 429 or (status == 403 and _is_limit(answer)):
            until = _until(answer)
            return RateLimited(f"{host} wants fewer calls: the next one is at {until:%H:%M:%S} UTC.", until)
        if status == 401:
            return Unauthorized(f"{host} does not accept the token: it is wrong, has expired or was revoked.")
        if status == 403:
            missing = self._clean(_scopes(answer)) or needs
            what = f" It needs: {missing}." if missing else ""
            return Forbidden(
                f"{host} does not let the token do this.{what}" + (f" It says: “{words}”." if words else ""), missing
            )
        if status in {404, 410}:
            hint = f" (it needs: {needs})" if needs else ""
            return Missing(f"{host} has no such thing, or does not show it to this token{hint}.")
        if status >= 500 or status < 400:
            return Unavailable(f"{host} answered {status}.")
        return Refused(f"{host} answered {status}: {words or 'without a reason'}")

    def _clean(self, text: str) -> str:
        for secret in self._secrets():
            text = text.replace(secret, "[hidden]") if len(secret) > 3 else text
        return _TOKEN.sub("[hidden]", text)


def _is_limit(answer: Answer) -> bool:
    return "Retry-After" in answer.headers or answer.headers.get("X-RateLimit-Remaining", "") == "0"


def _scopes(answer: Answer) -> str:
    """The permissions that the host itself names."""
    names = ("X-Accepted-GitHub-Permissions", "X-Accepted-OAuth-Scopes")
    found = next((answer.headers[name] for name in names if answer.headers.get(name)), "")
    return "".join(letter for letter in found[:200] if letter.isprintable())


def _until(answer: Answer) -> datetime:
    """When the host wants to be called again: within an hour, whatever it says."""
    now = datetime.now(UTC)
    waits = answer.headers.get("Retry-After", "")
    at = answer.headers.get("X-RateLimit-Reset", "") or answer.headers.get("RateLimit-Reset", "")
    if waits.isdecimal():
        wait = timedelta(seconds=int(waits[:9]))
    elif at.isdecimal():
        wait = timedelta(seconds=int(at[:11]) - now.timestamp())
    else:
        wait = timedelta(minutes=1)
    return now + min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)
