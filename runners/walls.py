"""Walls around a command on this host: bubblewrap, where it is installed and may make namespaces."""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

logger = logging.getLogger(__name__)

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
PROBE_SECONDS = 10
TRIES = 5


def walls() -> list[str]:
    """Options of bwrap: the host read-only, no capabilities, no other processes, no sockets, no HOME; the network stays.

    What the command may write, and what it must not see, is added behind; later binds lie over earlier ones.
    """
    home = Path.home()
    return [
        *("--die-with-parent", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        # /run holds the sockets of this host's services, Docker's among them; names are resolved through one file.
        *("--tmpfs", "/run", "--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"),
        *(
            ("--tmpfs", str(home)) if home != Path("/") and home.is_dir() else ()
        ),  # keys of the one who runs the service
    ]


def walls_fell(code: int, said: bytes) -> bool:
    """Whether bwrap gave up before the command began, by its exit code and its own errors; another try may do.

    It binds every mount of the host one by one, and fails where one goes away meanwhile, as containers' do.
    """
    return code == 1 and said.startswith(b"bwrap: ")


def walls_stand() -> bool:
    """Whether a command runs inside such walls on this machine."""
    if not shutil.which("bwrap", path=PATH):
        return False
    probe = ["bwrap", *walls(), "--", "true"]
    for _ in range(TRIES):
        try:
            done = subprocess.run(probe, env={"PATH": PATH}, capture_output=True, timeout=PROBE_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if not walls_fell(done.returncode, done.stderr):
            break
    if done.returncode:
        logger.info("bubblewrap does not work here: %r", done.stderr[-300:])
    return done.returncode == 0
