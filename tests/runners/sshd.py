"""A real sshd, started for a test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.live.instance import free_port
from tests.servers import wait_until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def make_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.read_text()


def _binds(place: Path) -> str:
    """This machine's folders one by one, without those in which Docker's mounts come and go while bwrap counts them."""
    entries = [entry for entry in sorted(place.iterdir()) if entry.name not in {"var", "run", "tmp", "lost+found"}]
    links = [f"--symlink {entry.readlink()} {entry}" for entry in entries if entry.is_symlink()]
    folders = [f"--dev-bind {entry} {entry}" for entry in entries if entry.is_dir() and not entry.is_symlink()]
    return " ".join([*links, *folders, "--dir /run", "--dir /var/tmp", "--dir /tmp"])


_HOST = _binds(Path("/"))


class Sshd:
    """Started on a free port for the user who runs the tests; knows one key.

    With `own` it is a machine of its own in one respect: what it has at the path `at` lies in that folder.
    `programs` is a folder of programs that are all it has.
    """

    def __init__(
        self, folder: Path, *, own: Path | None = None, at: Path | None = None, programs: Path | None = None
    ) -> None:
        self.folder, self._own, self._at, self._programs = folder, own, at, programs
        folder.mkdir(mode=0o700)
        self.key = make_key(folder / "client")
        make_key(folder / "host")
        (folder / "authorized_keys").write_text((folder / "client.pub").read_text())
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def start(self, umask: int = -1) -> None:
        """`umask` is what its users have."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        options = {
            "Port": str(self.port),
            "ListenAddress": "127.0.0.1",
            "HostKey": str(self.folder / "host"),
            "AuthorizedKeysFile": str(self.folder / "authorized_keys"),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "SetEnv": "SHLVL=5",  # else bash reads the user's ~/.bashrc for every command, which may take long
            "PermitRootLogin": "prohibit-password",
        }
        if self._own is not None:
            folder = self.folder.parent
            walls = f"bwrap {_HOST} --dev-bind {folder} {folder} --bind {self._own} {self._at} --die-with-parent"
            path = f"--setenv PATH {self._programs} -- {self._programs}/sh" if self._programs else "-- sh"
            options["ForceCommand"] = f'exec {walls} {path} -c "$SSH_ORIGINAL_COMMAND"'
        config = self.folder / "config"
        config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", str(config), "-E", str(self.folder / "log")],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            umask=umask,
        )
        wait_until(self.answers, what="sshd")

    def answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0 and probe.recv(4) == b"SSH-"

    @property
    def user(self) -> str:
        """Who may log in."""
        return pwd.getpwuid(os.geteuid()).pw_name

    @property
    def name(self) -> str:
        """As `hosts` of a target has it."""
        return f"127.0.0.1:{self.port}"

    @property
    def known(self) -> str:
        """Its key as a line of known_hosts."""
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {key}"

    def renew(self) -> None:
        """Set up anew: another key of the host."""
        for name in ("host", "host.pub"):
            (self.folder / name).unlink()
        make_key(self.folder / "host")

    def break_connections(self) -> None:
        """Kill who serves them, as the end of a machine does."""
        number = self.process.pid
        for child in Path(f"/proc/{number}/task/{number}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
