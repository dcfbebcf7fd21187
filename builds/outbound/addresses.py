"""Which addresses outgoing calls may reach: the public internet, and what OUTBOUND_ALLOWED_HOSTS names."""

from __future__ import annotations

from collections.abc import Iterable

from runners.addresses import is_public


def is_allowed(host: str, address: str, port: int, exceptions: Iterable[str]) -> bool:
    """Whether a call to `host`, which resolved to `address`, may connect there.

    An exception is a name or an address, alone or with a port ("chat.internal", "10.0.0.5:8080", "[fd00::5]:80"). It
    opens exactly what it names.
    """
    if is_public(address):
        return True
    named = {_plain(host), _plain(address)}
    wanted = named | {f"{name}:{port}" for name in named} | {f"[{name}]:{port}" for name in named}
    return any(_plain(exception) in wanted for exception in exceptions)


def _plain(host: str) -> str:
    text = host.strip().rstrip(".").lower()
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text
