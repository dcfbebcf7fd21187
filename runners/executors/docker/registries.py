"""Names of images and of registries, and who to be there: what a dockercfg says. Pure functions."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runners.contract import PushSpec
from runners.errors import SpecError

HUB = "docker.io"
_HUB_ADDRESS = "https://index.docker.io/v1/"  # what the engine calls it where credentials are concerned
_HUB_NAMES = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"})
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d{1,5})?")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_MOST_NAME = 255
_UNREADABLE = "Failed to parse dockercfg"


@dataclass(frozen=True)
class Login:
    """Who to be at one registry."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    def header(self, host: str) -> str:
        """The engine's `X-Registry-Auth`."""
        said = {
            "username": self.username,
            "password": self.password,
            "identitytoken": self.identity_token,
            "registrytoken": self.registry_token,
            "serveraddress": _HUB_ADDRESS if host == HUB else host,
        }
        return base64.urlsafe_b64encode(
            json.dumps({name: value for name, value in said.items() if value}).encode()
        ).decode()


@dataclass(frozen=True)
class Logins:
    """The logins of one dockercfg, by host."""

    by_host: Mapping[str, Login] = field(default_factory=dict)

    def at(self, host: str) -> Login | None:
        """Who to be at a registry; None = nobody in particular."""
        return self.by_host.get(host)

    def secrets(self) -> Iterator[str]:
        """Every value that nobody may see."""
        for login in self.by_host.values():
            yield from (login.password, login.identity_token, login.registry_token)
            yield base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


NOBODY = Logins()


@dataclass(frozen=True)
class Target:
    """Where an image is pushed to."""

    host: str
    repository: str  # with the host, as the engine wants it
    tag: str

    @property
    def name(self) -> str:
        """The whole of it."""
        return f"{self.repository}:{self.tag}"


def host_of(address: str) -> str:
    """The host that an address of a registry means: with or without scheme, path and a slash at its end."""
    host = re.sub(r"^[A-Za-z]+://", "", address.strip()).partition("/")[0].lower()
    return HUB if host in _HUB_NAMES or not host else host


def host_of_image(name: str) -> str:
    """The host that an image's name means, as Docker reads it: `shop/web` is at Docker Hub, `quay.io/shop/web` is not."""
    return host_of(_host_part(name))


def _host_part(name: str) -> str:
    first, slash, _ = name.strip().partition("/")
    is_host = "." in first or ":" in first or first.lower() == "localhost" or first != first.lower()
    return first if slash and is_host else ""


def is_official(name: str) -> bool:
    """Whether it is one of Docker's own images, which nobody else can push: `debian`, `library/redis:7`."""
    path = re.sub(r"^library/", "", name.strip().removeprefix(f"{_host_part(name)}/"))
    return host_of_image(name) == HUB and "/" not in path


def target_of(push: PushSpec) -> Target:
    """Where a push step sends to. SpecError where that is no name of an image."""
    name, its_tag = _split_tag(push.image_name.strip())
    written = _host_part(name)
    path = name.removeprefix(f"{written}/") if written else name
    host = host_of(written or push.registry)
    tag = push.image_tag.strip() or its_tag or "latest"
    if not _PATH.fullmatch(path) or not _HOST.fullmatch(host) or len(f"{host}/{path}") > _MOST_NAME:
        raise SpecError(f"{push.image_name!r} is no name of an image: [host/][owner/]name in lower-case letters.")
    if not _TAG.fullmatch(tag):
        raise SpecError(f"{tag!r} is no tag of an image: at most 128 letters, digits, '_', '.' and '-'.")
    if is_official(f"{host}/{path}"):
        raise SpecError(
            f"{push.image_name} would go to Docker's own images: write image_name with an owner, or a registry."
        )
    return Target(host, f"{host}/{path}" if host != HUB else path, tag)


def _split_tag(name: str) -> tuple[str, str]:
    folder, slash, leaf = name.rpartition("/")
    leaf, _, tag = leaf.partition(":")
    return folder + slash + leaf, tag


def read_dockercfg(content: bytes, what: str) -> Logins:
    """The logins of a `config.json` (`{"auths": {...}}`) or of the older `.dockercfg`. SpecError, without its content."""
    try:
        said = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise SpecError(f"{_UNREADABLE}: {what} is no JSON{place}.") from None
    if not isinstance(said, dict):
        raise SpecError(f"{_UNREADABLE}: {what} holds no object.")
    entries = said.get("auths", said if "credsStore" not in said and "credHelpers" not in said else {})
    if not isinstance(entries, dict):
        raise SpecError(f"{_UNREADABLE}: “auths” of {what} is no object.")
    found = {host_of(address): _login(entry, address, what) for address, entry in entries.items() if _is_login(entry)}
    if not found and ("credsStore" in said or "credHelpers" in said):
        raise SpecError(f"{what} leaves the passwords to a credential helper of another machine: write them into it.")
    return Logins(found)


def _is_login(entry: Any) -> bool:
    return isinstance(entry, dict) and any(
        entry.get(name) for name in ("auth", "username", "identitytoken", "registrytoken")
    )


def _login(entry: dict[str, Any], address: str, what: str) -> Login:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if auth := str(entry.get("auth") or ""):
        try:
            username, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise SpecError(f"{_UNREADABLE}: “auth” of {address} in {what} is not base64 of user:password.") from None
    return Login(
        username=username,
        password=password.rstrip("\0"),
        identity_token=str(entry.get("identitytoken") or ""),
        registry_token=str(entry.get("registrytoken") or ""),
    )
