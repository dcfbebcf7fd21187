"""The address of a repository: what may be fetched at all, and to which network addresses it is pinned.

A name is resolved once, here; git gets the answer with it, so that a second answer (DNS rebinding) has no say.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from runners.addresses import is_public
from runners.checkout.policy import GitPolicy
from runners.errors import CheckoutError

_DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}
# No dot at the end: curl would look up a name that differs from the pinned one.
_HOST = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,252}[A-Za-z0-9_-]|\[[0-9A-Fa-f:.]{2,45}\]")
_USER = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,64}")
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[^\]]+\]|[^@/:\[\]]+):(?P<path>.+)")
_UNUSABLE = "The repository's address cannot be used: give https://host/path, ssh://git@host/path or git@host:path."


@dataclass(frozen=True, kw_only=True)
class Address:
    """A repository's address that has passed the policy."""

    scheme: str  # "https", "http", "ssh" or "file"
    url: str  # as git gets it
    host: str = ""
    port: int = 0
    pinned: tuple[str, ...] = ()  # network addresses; empty = git may resolve by itself


def parse(url: str, policy: GitPolicy) -> Address:
    """Judge an address without touching the network. CheckoutError(retry=False) says what is wrong with it."""
    if not url or len(url) > 2000 or url.startswith("-") or re.search(r"[\x00-\x20\x7f\\]", url):
        raise _refused(_UNUSABLE)
    if url.startswith(("/", "file://")):
        return _local(url, policy)
    if "::" in url.split("/", 1)[0].split("[", 1)[0]:
        raise _refused(_UNUSABLE)  # ext::, fd:: and other remote helpers
    if "://" in url:
        return _remote(url, policy)
    if found := _SCP.fullmatch(url):
        user, host, path = found.group("user") or "git", found.group("host"), found.group("path")
        separator = "" if path.startswith("/") else "/~/" if path.startswith("~") else "/"
        # An ssh:// path is absolute where scp's is relative to the home folder; keep the form, check the parts.
        _remote(f"ssh://{user}@{host}{separator}{path.lstrip('~')}", policy)
        return Address(scheme="ssh", url=f"{user}@{host}:{path}", host=host.strip("[]").lower(), port=22)
    raise _refused(_UNUSABLE)


def _local(url: str, policy: GitPolicy) -> Address:
    if not policy.allow_local:
        raise _refused("Repositories on the runner's own machine may not be built here.")
    path = unquote(url.removeprefix("file://")) if url.startswith("file://") else url
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise _refused(_UNUSABLE)
    return Address(scheme="file", url=path)


def _remote(url: str, policy: GitPolicy) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused(_UNUSABLE) from None
    host = (parts.hostname or "").lower()
    bracketed = f"[{host}]" if ":" in host else host
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(bracketed) or parts.path.strip("/") == "":
        raise _refused(_UNUSABLE)
    if parts.query or parts.fragment or parts.path.startswith("/-"):
        raise _refused(_UNUSABLE)
    if parts.password is not None:
        raise _refused("The repository's address holds a password: use ssh and the project's key instead.")
    if parts.username and not _USER.fullmatch(parts.username):
        raise _refused(_UNUSABLE)
    if parts.scheme == "http" and not policy.trusts(host):
        raise _refused("Plain http is not allowed for this host: use https or ssh.")
    return Address(scheme=parts.scheme, url=url, host=host, port=port or _DEFAULT_PORTS[parts.scheme])


def pin(address: Address, policy: GitPolicy) -> Address:
    """Resolve the host once and keep the answers; every one must be public unless the operator trusts the host."""
    if address.scheme == "file":
        return address
    try:
        answers = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CheckoutError("The git host's name could not be resolved.") from None
    found = tuple(dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers))
    if not policy.trusts(address.host) and not all(is_public(one) for one in found):
        raise _refused("The git host lies in a private network: name it in GIT_ALLOWED_HOSTS to allow that.")
    return replace(address, pinned=found[:4])


def _refused(text: str) -> CheckoutError:
    return CheckoutError(text, retry=False)
