"""The Compose program inside walls: a stranger's file is read by it, on this machine.

It sees the system's programs, the checkout, and the engine's socket: no network, no other process, no file of the runner.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runners.targets.contract import TargetError, Tell
from runners.walls import PATH, walls_fell

WORK = "/work"
CONFIG_SECONDS = 30.0
MOST_BYTES = 8 << 20  # of a Compose file as Compose writes it out
_MEMORY = 2 << 30  # addresses, in bytes
_LONGEST_LINE = 65536
_SOCKET = "/engine.sock"
_FILE = "/compose.yml"
_TEMPORARY = "/tmp"  # noqa: S108 -- of the walls, and gone with them
_PLUGINS = ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")


@dataclass(frozen=True)
class Program:
    """Compose for one checkout and one project."""

    compose: str  # the program's path
    folder: Path  # the checkout
    project: str
    variables: Mapping[str, str]  # for substitution

    def config(self, files: Sequence[str]) -> str:
        """The files as one, with all that they refer to put in. TargetError with what Compose says where they are wrong."""
        given = [word for file in files for word in ("-f", f"{WORK}/{file}")]
        binds = ["--ro-bind", str(self.folder), WORK, *_without_git(self.folder)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            with self._started(binds, [*given, "config"], out, errors) as child:
                try:
                    child.wait(CONFIG_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                    raise TargetError(
                        f"Compose has not read {', '.join(files)} after {CONFIG_SECONDS:.0f} s."
                    ) from None
            said = _read(errors)
            _raise_for_walls(child.returncode, said)
            if child.returncode:
                raise TargetError(f"Compose cannot read {', '.join(files)}: {_end(said)}")
            return _read(out).decode(errors="replace")

    def up(self, file: Path, socket: Path, seconds: float, tell: Tell) -> None:
        """Bring the project to a file that needs nothing else of the checkout. TargetError where Compose cannot."""
        binds = ["--ro-bind", str(file), _FILE, "--bind", str(socket), _SOCKET, "--dir", WORK]
        words = ["-f", _FILE, "--project-directory", WORK, "up", "-d", "--remove-orphans", "--no-build"]
        with self._started(binds, words, subprocess.PIPE, subprocess.STDOUT) as child:
            limit = threading.Timer(seconds, child.kill)
            limit.start()
            try:
                last = _told(child, tell)
                child.wait()
            except BaseException:
                child.kill()
                raise
            finally:
                is_over = not limit.is_alive()
                limit.cancel()
                limit.join()
        _raise_for_walls(child.returncode, last)
        if is_over:
            raise TargetError(f"Compose was not done after {seconds:.0f} s: `within` gives it longer.")
        if child.returncode:
            raise TargetError("Compose could not bring the project up: what it said is above.")

    def _started(
        self, binds: Sequence[str], words: Sequence[str], out: IO[bytes] | int, errors: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        """Compose with these words. The walls are told over a file: its variables hold secrets, and `ps` shows words."""
        with tempfile.TemporaryFile() as options:
            options.write(b"".join(os.fsencode(word) + b"\0" for word in self._walls(binds)))
            options.seek(0)
            limits = ["prlimit", f"--as={_MEMORY}", f"--fsize={MOST_BYTES}", "--core=0", "--"]
            return subprocess.Popen(
                [
                    *("bwrap", "--args", str(options.fileno()), "--", *limits),
                    *(self.compose, "-p", self.project, *words),
                ],
                env={"PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                pass_fds=[options.fileno()],
            )

    def _walls(self, binds: Sequence[str]) -> list[str]:
        variables = {
            **self.variables,
            "PATH": PATH,
            "HOME": _TEMPORARY,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DOCKER_HOST": f"unix://{_SOCKET}",
            "COMPOSE_ANSI": "never",
        }
        return [
            *("--die-with-parent", "--cap-drop", "ALL", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
            *("--unshare-net", "--unshare-cgroup-try"),
            *("--ro-bind", "/usr", "/usr", *_system()),
            *("--dev", "/dev", "--proc", "/proc", "--tmpfs", _TEMPORARY),
            *binds,
            *("--chdir", WORK, "--clearenv"),
            *(word for name, value in variables.items() for word in ("--setenv", name, value)),
        ]


def found() -> str:
    """The path of Compose on this machine: Docker's plugin, which runs alone as well, or docker-compose.

    TargetError where it, or bubblewrap, is not installed.
    """
    if not shutil.which("bwrap", path=PATH):
        raise TargetError(
            "A Compose file is only read behind the walls of bubblewrap, which this runner lacks: install bubblewrap on"
            " it, or use the target `docker`."
        )
    plugins = [f"{folder}/docker/cli-plugins/docker-compose" for folder in _PLUGINS]
    path = next((path for path in plugins if Path(path).is_file()), shutil.which("docker-compose", path=PATH))
    if not path:
        raise TargetError("This runner has no Compose: install docker-compose, or Docker's plugin `compose`, on it.")
    return path


def _told(child: subprocess.Popen[bytes], tell: Tell) -> bytes:
    """Pass on what it says; its last line."""
    assert child.stdout is not None
    last = b""
    while line := child.stdout.readline(_LONGEST_LINE):
        if text := line.strip():
            last = text
            tell(text.decode(errors="replace"))
    return last


def _system() -> list[str]:
    """/bin, /lib and the like as this machine has them: links into /usr, or folders of their own."""
    words = []
    for path in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64")):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl", "/etc/localtime"):
        words += ["--ro-bind-try", name, name]
    return words


def _without_git(folder: Path) -> list[str]:
    git = folder / ".git"
    return ["--tmpfs", f"{WORK}/.git"] if git.is_dir() and not git.is_symlink() else []


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(MOST_BYTES)


def _raise_for_walls(code: int, said: bytes) -> None:
    if walls_fell(code, said):
        raise TargetError(
            f"bubblewrap puts up no walls on this runner ({_end(said)}): it has to be allowed to make namespaces."
        )


def _end(said: bytes) -> str:
    """The last lines of what was said, as one."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[-6:])[-1500:] or "it says nothing"
