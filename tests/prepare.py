"""Bring what the tests need to this machine: installed when we may (root and apt), else named.

python -m tests.prepare
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.servers import chromium, postgres_binaries

# What is missing -> the Debian package that brings it.
NEEDED = {
    "PostgreSQL": (lambda: postgres_binaries() is not None, "postgresql"),
    "a Docker engine": (lambda: shutil.which("dockerd") is not None or engine_answers(), "docker.io"),
    "iptables": (lambda: shutil.which("iptables") is not None or engine_answers(), "iptables"),
    "a static busybox": (lambda: Path("/bin/busybox").exists() or Path("/usr/bin/busybox").exists(), "busybox-static"),
    "Chromium": (lambda: chromium() is not None, "chromium"),
    "bubblewrap": (lambda: shutil.which("bwrap") is not None, "bubblewrap"),
    "sshd": (lambda: Path("/usr/sbin/sshd").exists(), "openssh-server"),
    "a Docker registry": (lambda: shutil.which("docker-registry") is not None, "docker-registry"),
    "HAProxy": (lambda: shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/bin") is not None, "haproxy"),
    "Docker Compose": (lambda: shutil.which("docker-compose") is not None, "docker-compose"),
    "faketime": (lambda: any(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "faketime"),
    "curl": (lambda: shutil.which("curl") is not None, "curl"),
}


def engine_answers() -> bool:
    """Whether a Docker engine answers at the usual socket."""
    if not Path("/var/run/docker.sock").exists():
        return False
    probe = ["curl", "-sf", "--max-time", "3", "--unix-socket", "/var/run/docker.sock", "http://engine/_ping"]
    return shutil.which("curl") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def main() -> None:
    """Install, start, and say what stays missing; the tests that need it are then skipped with that reason."""
    missing = {name: package for name, (there, package) in NEEDED.items() if not there()}
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = sorted(set(missing.values()))
        print(f"Installing {' '.join(packages)} ...", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"env": environment, "stdout": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], check=False, **quiet)
    for name, (there, package) in NEEDED.items():
        if not there():
            print(
                f"{name} is missing (Debian's package is {package}): its tests are skipped, or fail where nothing else will do"
            )
    if postgres_binaries() is None:
        sys.exit("The suite needs PostgreSQL's programs: apt-get install postgresql (or brew install postgresql)")
    start_engine()


def start_engine() -> None:
    """Start dockerd where it is installed, we are root, and no engine answers."""
    if engine_answers() or os.geteuid() != 0 or shutil.which("dockerd") is None:
        return
    with open("/tmp/ciservice-dockerd.log", "ab") as log:
        subprocess.Popen(
            ["dockerd", "--log-level", "error"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not engine_answers():
        time.sleep(0.2)


if __name__ == "__main__":
    main()
