"""What the target of SSH hosts is told."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from runners.targets.durations import Within

_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_HOST = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@)?"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
# Nothing that a shell, or a name in a list, would read as more than a name.
_PATH = re.compile(r"[A-Za-z0-9._@+~-]+(?:/[A-Za-z0-9._@+~-]+)*/?")
_NARROW = frozenset({"bin", "boot", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "run", "sbin"})
_NARROWER = frozenset({"srv", "sys", "tmp", "usr", "var", "mnt", "media"})


def _many(value: object) -> object:
    """One text stands for a list of it."""
    return (value,) if isinstance(value, str) else value


def _listed(value: object) -> object:
    """Also what a variable says: `web-1, web-2`."""
    texts = _many(value)
    if isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts):
        return tuple(word for text in texts for word in re.split(r"[,\s]+", text.strip()))
    return value


Many = Annotated[tuple[str, ...], BeforeValidator(_many)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Settings(BaseModel):
    """`ssh: {hosts: [web-1.example.com], user: deploy, host_keys: [web-1.example.com ssh-ed25519 AAAA…], to: /srv/shop}`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    verbatim: ClassVar[frozenset[str]] = frozenset({"before", "restart", "check"})

    hosts: Hosts = Field(
        min_length=1, max_length=500, description="Where to: `host`, `host:port`, `user@host`, `user@host:port`."
    )
    user: str = Field(
        default="", max_length=64, description="Who to be on the hosts; needed where `hosts` does not say."
    )
    key: str = Field(
        default="",
        description="A private key, as ${NAME} of a secret. Default: the project's own key.",
        json_schema_extra={"secret": True},
    )
    host_keys: Many = Field(
        default=(),
        description="The hosts' public keys, as `ssh-keyscan` prints them or a file known_hosts has them. Needed.",
    )
    folder: str = Field(default=".", max_length=300, description="The folder of the checkout that is sent.")
    exclude: Many = Field(default=(), description="Patterns of files below it that are not sent; .git never is.")
    to: str = Field(
        max_length=300, description="Where on the hosts: an absolute path. The release is at `current` below it."
    )
    shared: Many = Field(
        default=(),
        description="Paths that all releases share, kept in `shared` below `to`: `log/` is a folder, `.env` a file.",
    )
    before: str = Field(
        default="", description="Shell text run in the new release on each host, before any host is switched to it."
    )
    restart: str = Field(default="", description="Shell text run in the new release after the switch.")
    check: str = Field(
        default="",
        description="Shell text that has to succeed after that, tried again until `check_within`; else the host is"
        " switched back.",
    )
    check_within: Within = Field(default="60s", description="How long `check` may take until it succeeds.")
    within: Within = Field(default="10m", description="How long `before` or `restart` may take on a host.")
    batch: int = Field(default=0, ge=0, description="How many hosts are switched at a time. Default: all.")
    keep: int = Field(default=5, ge=1, le=100, description="How many releases stay on a host.")

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            found = _HOST.fullmatch(host)
            if not _VARIABLE.search(host) and (found is None or int(found["port"] or 22) not in range(1, 65536)):
                raise ValueError(f"“{host[:80]}” is no host: write host, host:port or user@host:port")
        if len(set(hosts)) < len(hosts):
            raise ValueError("a host stands there twice")
        return hosts

    @field_validator("to")
    @classmethod
    def _is_a_place(cls, to: str) -> str:
        if _VARIABLE.search(to):
            return to
        parts = to.strip("/").split("/")
        if not to.startswith("/") or not _PATH.fullmatch(to[1:]) or {".", ".."} & set(parts):
            raise ValueError("give an absolute path of letters, digits and . _ - + @ ~")
        if len(parts) == 1 and parts[0] in _NARROW | _NARROWER:
            raise ValueError(f"{to} is the system's: give a folder of the app's own, such as /srv/shop")
        return "/" + "/".join(parts)

    @field_validator("shared")
    @classmethod
    def _are_paths(cls, shared: tuple[str, ...]) -> tuple[str, ...]:
        for path in shared:
            if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
                raise ValueError(f"“{path[:80]}” is no path inside of a release: `log/`, `config/secrets.yml`")
        return shared

    @model_validator(mode="after")
    def _know_who_to_be(self) -> Settings:
        for host in self.hosts:
            if not self.user and "@" not in host and not _VARIABLE.search(host):
                raise ValueError(f"say who to be on {host}: `user`, or user@{host}")
        return self


def parts_of(host: str) -> tuple[str, str, int]:
    """The (user, host, port) of an entry of `hosts`; "" where it names no user."""
    found = _HOST.fullmatch(host)
    assert found is not None
    return found["user"] or "", found["host"].strip("[]"), int(found["port"] or 22)
