"""Addresses of the web, as a configuration file has them."""

from __future__ import annotations

from urllib.parse import urlsplit

from builds.pipeline.report import clean

MAX_ADDRESS = 500


def what_is_wrong(address: str, *, is_shown: bool = True) -> str:
    """One phrase that says why this is no address which can be opened; "" = it is one.

    `is_shown`: as it stands, so that there may be no password in it.
    """
    shown = f"`{clean(address, 80)}`"
    if len(address) > MAX_ADDRESS:
        return f"an address has at most {MAX_ADDRESS} characters"
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in ("http", "https") or not _is_plain(address):
        return f"{shown} is no address: write it in full, such as https://example.com/health"
    if is_shown and (parts.username is not None or parts.password is not None):
        return "an address with a password in it would be shown to everybody who sees the environment: take it out"
    return ""


def _is_plain(address: str) -> bool:
    return address.isprintable() and not set(address) & set(' "<>\\^`{}|')
