"""The folder and the addresses of an embedded instance: checked, locked, and its own secrets kept."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LEAST_MB = 32
PORT_SECONDS = 3.0  # that a port which is taken is tried again
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes


class CannotStart(Exception):
    """Why `ciservice up` cannot start, in one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an embedded instance lives."""

    data_dir: Path
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for people on this machine."""
        shown = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in {"127.0.0.1", "localhost", "::1"}

    @property
    def redis_socket(self) -> Path:
        """In the data folder, or in the system's temporary one where that path would be too long for a socket."""
        path = self.data_dir / "redis.sock"
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        name = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"ciservice-{os.getuid()}-{name}.sock"

    @property
    def credentials(self) -> Path:
        """What a newcomer, or a program, needs to log in."""
        return self.data_dir / "credentials.json"

    @property
    def last_credentials(self) -> Path:
        """Those of the last run: `credentials` is there only once this run serves."""
        return self.data_dir / "credentials.last.json"


def prepare(place: Place) -> IO[str]:
    """Check what start-up needs; returns the open lock, which ends with this process. Raises CannotStart.

    The last run's credentials are put aside: whoever waits for those of this run must not find the old ones.
    """
    if shutil.which("git") is None:
        raise CannotStart("git is not installed: apt-get install git (or your system's package manager)")
    try:
        place.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (place.data_dir / "lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"{place.data_dir} cannot be written ({error.strerror}): set DATA_DIR to a folder of yours"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(
            f"another ciservice runs in {place.data_dir}: stop it, or set DATA_DIR to another folder"
        ) from None
    try:
        _check_port(place)
        _check_room(place)
    except CannotStart:
        lock.close()
        raise
    put_credentials_aside(place)
    return lock


def _check_room(place: Place) -> None:
    free = shutil.disk_usage(place.data_dir).free // (1024 * 1024)
    if free < LEAST_MB:
        raise CannotStart(
            f"only {free} MB are left in {place.data_dir}, and {LEAST_MB} are needed to begin: make room, "
            "or set DATA_DIR to a folder on another disk"
        )


def put_credentials_aside(place: Place) -> None:
    """Keep the credentials under another name while nobody serves."""
    if place.credentials.exists():
        place.credentials.replace(place.last_credentials)


def _check_port(place: Place) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise CannotStart(f"HOST={place.host} is no address of this machine ({error.strerror})") from error
    until = time.monotonic() + PORT_SECONDS
    while True:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                # What a killed instance leaves behind takes a moment to die.
                if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                    text = f"port {place.port} on {place.host} cannot be used ({error.strerror}): set PORT to another"
                    raise CannotStart(text) from error
            else:
                return
        time.sleep(0.1)


def keep_secrets(place: Place) -> dict[str, str]:
    """SECRET_KEY and SEALING_KEY of this instance: made at the first start, kept in a file that only we can read."""
    path = place.data_dir / "secrets.json"
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    made = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "SEALING_KEY")}
    write_private(path, made)
    return made


def write_private(path: Path, data: object) -> None:
    """Write JSON that only its owner can read, whole or not at all."""
    temporary = path.with_suffix(".new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file, indent=2)
        file.write("\n")
    temporary.replace(path)
