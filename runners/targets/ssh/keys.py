"""Who we are to a host, and how we know that it is that host."""

from __future__ import annotations

import io
from collections.abc import Iterable

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from runners.targets.contract import TargetError

_KINDS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class UnknownHostError(TargetError):
    """No key of that host was given; `line` is the one it shows, as it would be given, after somebody compared it."""

    def __init__(self, name: str, key: paramiko.PKey) -> None:
        super().__init__(f"host_keys: no key of {name} is given.")
        self.line = f"{name} {key.get_name()} {key.get_base64()}"
        self.fingerprint = key.fingerprint


def private_key(text: str) -> paramiko.PKey:
    """The key of a text as ssh-keygen writes it, or an older program. TargetError for anything else."""
    text = text.strip().replace("\r\n", "\n") + "\n"
    for kind in _KINDS:
        try:
            return kind.from_private_key(io.StringIO(text))
        except paramiko.PasswordRequiredException:
            raise TargetError("key: it is locked by a passphrase. Give one that is not.") from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise TargetError("key: this is no private key of the kinds Ed25519, ECDSA or RSA, as `ssh-keygen` makes them.")


def known_hosts(texts: Iterable[str]) -> paramiko.HostKeys:
    """The keys of lines as a file known_hosts has them. TargetError for a line that is none."""
    found = paramiko.HostKeys()
    for line in (line.strip() for text in texts for line in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        try:
            entry = None if line.startswith("@") else HostKeyEntry.from_line(line)
        except (InvalidHostKey, paramiko.SSHException, ValueError):
            entry = None
        if entry is None or entry.hostnames is None or entry.key is None:
            raise TargetError(f"host_keys: “{line[:60]}” is no line of a file known_hosts: name, kind, key.")
        for name in entry.hostnames:
            found.add(name, entry.key.get_name(), entry.key)
    return found


def name_of(host: str, port: int) -> str:
    """What a host is called in a file known_hosts."""
    return host if port == 22 else f"[{host}]:{port}"


def prefer(known: Iterable[str], offered: Iterable[str]) -> list[str]:
    """The order in which to ask for kinds of host keys: a host has several, and we were given some."""
    wanted = [algorithm for kind in known for algorithm in _SIGNATURES.get(kind, (kind,))]
    everything = list(offered)
    return [one for one in wanted if one in everything] + [one for one in everything if one not in wanted]


def check(name: str, key: paramiko.PKey, known: paramiko.HostKeys) -> None:
    """Nothing where it is the host's key. UnknownHostError, TargetError."""
    given = known.lookup(name)
    if given is None:
        raise UnknownHostError(name, key)
    if given.get(key.get_name()) != key:
        raise TargetError(
            f"{name} does not show a key of `host_keys` ({key.get_name()} {key.fingerprint}): it was set up anew, or"
            " somebody stands in between. Nothing was sent."
        )
