"""One look at a page of the app, as CodeShip took it: it has to answer with 2xx."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers, parse_url

from runners.targets.contract import TargetError, Tell
from runners.targets.waiting import Patience

_TIMEOUT = urllib3.Timeout(connect=10.0, read=30.0)


def until_fine(url: str, patience: Patience, tell: Tell) -> None:
    """Ask until it answers so; TargetError with the last answer where it does not in time. Redirects are followed."""
    try:
        address = parse_url(url)
    except HTTPError:
        address = parse_url("")
    if address.scheme not in {"http", "https"} or not address.host:
        raise TargetError("`check_url` needs an address that begins with https://.")
    headers = (
        make_headers(basic_auth=address.auth, user_agent="ciservice") if address.auth else {"User-Agent": "ciservice"}
    )
    shown = address._replace(auth=None).url
    patience.afresh()
    with urllib3.PoolManager(timeout=_TIMEOUT) as pool:
        while True:
            said = _asked(pool, shown, headers)
            if said.startswith("2"):
                tell(f"{shown} answers {said}")
                return
            patience.wait(f"{shown} answers {said} and not 2xx")


def _asked(pool: urllib3.PoolManager, url: str, headers: dict[str, str]) -> str:
    try:
        with pool.request(
            "GET", url, headers=headers, retries=urllib3.Retry(0, redirect=5), preload_content=False
        ) as answer:
            return str(answer.status)
    except HTTPError as error:
        return f"nothing ({type(error).__name__.removesuffix('Error')})"
