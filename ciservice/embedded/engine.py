"""Find a Docker engine on this machine, or bring one up where we may; else say why steps run as plain processes."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ciservice.embedded.supervisor import Program, die_with_parent

SOCKET = Path("/var/run/docker.sock")
PACKAGES = ["docker.io", "iptables"]
INSTALL_SECONDS = 300
START_SECONDS = 60

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What steps will run in. `command` is the daemon to keep beside us, empty where somebody else keeps it."""

    executor: str  # docker, process
    url: str = ""
    note: str = ""  # one line for people: why the process executor
    command: tuple[str, ...] = ()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket: enough to ask an engine whether it lives."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=5)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(self._path)


def answers(url: str) -> bool:
    """Whether an engine answers `/_ping` at unix:///path or tcp://host:port."""
    scheme, _, rest = url.partition("://")
    connection = _UnixConnection(rest) if scheme == "unix" else http.client.HTTPConnection(rest, timeout=5)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for(url: str, alive: Callable[[], bool] = lambda: True) -> bool:
    """Whether an engine answers within START_SECONDS, and while it is `alive`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and alive():
        if answers(url):
            return True
        time.sleep(0.1)
    return False


def find(*, url: str, wanted: bool, say: Say) -> Engine:
    """The engine at `url` (default: the local socket); else one that we install and keep; else plain processes."""
    if not wanted:
        return _plain("DOCKER=no was set")
    url = url or f"unix://{SOCKET}"
    if answers(url):
        return Engine(executor="docker", url=url)
    if SOCKET.exists() and not os.access(SOCKET, os.W_OK):
        return _plain(f"this user may not use the Docker engine at {SOCKET} (add it to the group docker)")
    if url != f"unix://{SOCKET}":
        return _plain(f"no Docker engine answers at {url}")
    if shutil.which("dockerd") is None and (obstacle := _install(say)):
        return _plain(obstacle)
    return _start(url, say)


def _plain(why: str) -> Engine:
    return Engine(executor="process", note=f"Steps run as plain processes on this machine, without containers: {why}.")


def _install(say: Say) -> str:
    """Install Debian's engine; "" or what keeps us from it."""
    if os.geteuid() != 0:
        return "no Docker engine answers, and only root can install one (sudo apt-get install docker.io)"
    if shutil.which("apt-get") is None:
        return "no Docker engine answers, and this is neither Debian nor Ubuntu: install Docker yourself"
    say("No Docker engine answers: installing Debian's docker.io (DOCKER=no keeps me from it) ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    # Newer releases of Debian put the client into a package of its own; we do not need it.
    for command in (["apt-get", "update", "-q"], install):
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            return f"`{' '.join(command[:2])}` took longer than {INSTALL_SECONDS} s"
        if done.returncode and command is install:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            return f"docker.io could not be installed ({last})"
    return "" if shutil.which("dockerd") else "docker.io was installed, but brought no dockerd"


def _start(url: str, say: Say) -> Engine:
    if Path("/run/systemd/system").is_dir():
        say("Starting the Docker engine ...")
        subprocess.run(["systemctl", "start", "docker"], capture_output=True, timeout=START_SECONDS)
        if wait_for(url):
            return Engine(executor="docker", url=url)
        return _plain("the Docker engine is installed but does not start (journalctl -u docker says why)")
    if os.geteuid() != 0:
        return _plain("no Docker engine answers, and only root can start one")
    return Engine(executor="docker", url=url, command=("dockerd", "--log-level", "error"))


def keep(engine: Engine, log: Path, say: Say) -> tuple[Engine, list[Program]]:
    """Start the engine's daemon as a child of ours; plain processes where it does not come up."""
    say("Starting the Docker engine ...")
    with log.open("ab") as output:
        daemon = subprocess.Popen(
            engine.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent,  # no threads here yet
        )
    if wait_for(engine.url, alive=lambda: daemon.poll() is None):
        program = Program("dockerd", command=engine.command, pid=daemon.pid, quiet=True, stop_seconds=30)
        return Engine(executor="docker", url=engine.url), [program]
    daemon.kill()
    daemon.wait()
    return _plain(f"the Docker engine does not start here ({log} says why)"), []
