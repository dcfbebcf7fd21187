"""A tunnel of SSH to sockets of another host: its Docker engine as a Unix socket of this machine, for as long as needed."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from runners.targets import reach
from runners.targets.contract import TargetError
from runners.targets.docker.engine_settings import EngineSettings

START_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|[0-9A-Fa-f:]+")


@contextlib.contextmanager
def tunnel(
    settings: EngineSettings, key: str, allowed: Collection[str], ends: Sequence[str], folder: Path
) -> Iterator[Mapping[str, Path]]:
    """The Unix socket of this machine that leads to each of `ends`: host:port or /path, as the host sees it."""
    where = _where(settings.host)
    if not key:
        raise TargetError("host: ssh:// needs a key: set `ssh_key`, or give the project's own key to that host.")
    if not settings.host_key.strip():
        raise TargetError(
            f"host_key: is needed to know that it is that host: what `ssh-keyscan {where.hostname}` prints."
        )
    locals_ = {end: folder / f"{number}.sock" for number, end in enumerate(dict.fromkeys(ends))}
    for path in locals_.values():
        reach.open_own(str(path))
    command = _command(where, key, settings.host_key, allowed, locals_, folder)
    with (folder / "ssh.log").open("w+b") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(child, locals_.values(), log.name, where.hostname or "")
            yield locals_
        finally:
            child.terminate()
            child.wait()


def _where(host: str) -> SplitResult:
    try:
        parts = urlsplit(host)
        fine = parts.port != 0 and _HOST.fullmatch(parts.hostname or "") and _USER.fullmatch(parts.username or "root")
    except ValueError:
        fine = None
    if not fine or parts.password or parts.path not in {"", "/"} or parts.query:
        raise TargetError(f"host: {host} is no address; write ssh://user@host or ssh://user@host:port.")
    return parts


def _command(
    where: SplitResult,
    key: str,
    host_key: str,
    allowed: Collection[str],
    ends: Mapping[str, Path],
    folder: Path,
) -> list[str]:
    name, port = str(where.hostname), where.port or 22
    address = reach.check(name, port, allowed)[0][1]
    for file, text in (("key", key), ("known_hosts", _known_hosts(host_key))):
        (folder / file).touch(mode=0o600)
        (folder / file).write_text(text.rstrip("\n") + "\n")
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "15",
        "ExitOnForwardFailure": "yes",
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": "target",  # the key belongs to the host whatever its address was written like
        "IdentitiesOnly": "yes",
        "IdentityFile": str(folder / "key"),
        "LogLevel": "ERROR",
        "ServerAliveCountMax": "3",
        "ServerAliveInterval": "10",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(folder / "known_hosts"),
    }
    given = [word for item in options.items() for word in ("-o", "=".join(item))]
    forwards = [word for end, path in ends.items() for word in ("-L", f"{path}:{end}")]
    return [
        "ssh",
        "-F",
        "none",
        "-N",
        "-T",
        *given,
        *forwards,
        "-p",
        str(port),
        "-l",
        where.username or "root",
        address,
    ]


def _known_hosts(text: str) -> str:
    """Lines of `ssh-keyscan`, or keys alone (`ssh-ed25519 AAAA…`), for the name “target”."""
    lines = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        kind = next((number for number, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), None)
        if kind is None or len(words) < kind + 2:
            raise TargetError("host_key: is no public key of a host: write what `ssh-keyscan` prints for it.")
        lines.append(f"target {words[kind]} {words[kind + 1]}")
    return "\n".join(lines)


def _wait(child: subprocess.Popen[bytes], paths: Collection[Path], log: str, host: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not all(path.exists() for path in paths):
        if child.poll() is not None or time.monotonic() > until:
            said = Path(log).read_text(errors="replace").strip().splitlines()
            raise TargetError(f"SSH to {host} does not work: {said[-1] if said else 'no answer in time'}")
        time.sleep(_LOOK_SECONDS)
