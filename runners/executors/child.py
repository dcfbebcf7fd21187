"""One command on this host: its output as it comes, its end, and the end of everything it started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

from runners.contract import Failure, Outcome, Output, StepResult, Stop, StopReason
from runners.errors import EngineError
from runners.executors.bubblewrap import MARK, Launch, Room, sandboxed
from runners.verdict import stopped_by
from runners.walls import TRIES, walls_fell

GRACE_SECONDS = 10
DRAIN_SECONDS = 5
_LOOK_SECONDS = 0.1
_CHUNK = 65536


@dataclass(frozen=True)
class Child:
    """A command to be run once; `mark` is the attempt's name."""

    argv: list[str]
    environment: Mapping[str, str]
    room: Room
    mark: str

    def run(self, on_output: Output, stop: Stop) -> StepResult:
        """Block until it has ended, and nothing that it started is left."""
        for _ in range(TRIES):
            code, said = self._run_once(on_output, stop)
            if stop.reason is not None or not walls_fell(code, said):
                return _result(code, stop)
        text = said.decode(errors="replace").strip()[:500]
        raise EngineError(f"bubblewrap could not put up its walls around the command: {text}")

    def _run_once(self, on_output: Output, stop: Stop) -> tuple[int, bytes]:
        """The exit code, and what bubblewrap itself said."""
        token = f"{self.mark}:{os.urandom(8).hex()}"
        with sandboxed(self.argv, {**self.environment, MARK: token}, self.room) as launch:
            process = self._start(launch)
        with process:
            try:
                _Conversation(process, token, on_output, stop).hold()
            finally:
                _end(process, token)
            return process.returncode, _said(process)

    def _start(self, launch: Launch) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                launch.argv,
                cwd=self.room.checkout,
                env=launch.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if self.room.wrapped else subprocess.STDOUT,
                start_new_session=True,
                pass_fds=launch.handles,
            )
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or error
            raise EngineError(f"The command could not be started: {said}.") from None


class _Conversation:
    """Reads until the command has ended; gives it SIGTERM, then SIGKILL, when the order to stop comes."""

    def __init__(self, process: subprocess.Popen[bytes], token: str, on_output: Output, stop: Stop) -> None:
        assert process.stdout is not None
        self._process, self._token, self._on_output, self._stop = process, token, on_output, stop
        self._fd = process.stdout.fileno()
        self._kill_at = inf
        os.set_blocking(self._fd, False)

    def hold(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._fd, selectors.EVENT_READ)
            while self._process.poll() is None and self._read_once(selector):
                self._look_at_stop()
        # It closed its output, or it is gone: wait for what is left of the two.
        while self._process.poll() is None:
            self._look_at_stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_LOOK_SECONDS)
        self._drain()

    def _read_once(self, selector: selectors.BaseSelector) -> bool:
        """Pass on what is there; False at the end of the output."""
        if not selector.select(_LOOK_SECONDS):
            return True
        return self._pass_on() != 0

    def _pass_on(self) -> int:
        """How many bytes went; 0 = the end, -1 = nothing there now."""
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return -1
        if data:
            self._on_output(data)
        return len(data)

    def _look_at_stop(self) -> None:
        if self._stop.reason is None:
            return
        if self._kill_at == inf:
            grace = 0 if self._stop.reason is StopReason.LOST_LEASE else GRACE_SECONDS
            self._kill_at = time.monotonic() + grace
            _signal(self._process, self._token, signal.SIGTERM)
        if time.monotonic() >= self._kill_at:
            _signal(self._process, self._token, signal.SIGKILL)

    def _drain(self) -> None:
        """Everything the command itself printed is in the pipe by now; what its children still print is not waited for."""
        left = _pipe_bytes(self._fd)
        deadline = time.monotonic() + DRAIN_SECONDS
        while left > 0 and time.monotonic() < deadline:
            if (went := self._pass_on()) <= 0:
                return
            left -= went


def _said(process: subprocess.Popen[bytes]) -> bytes:
    """What is on its standard error, where that is one of its own; nobody is waited for."""
    if process.stderr is None:
        return b""
    os.set_blocking(process.stderr.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        return os.read(process.stderr.fileno(), _CHUNK)
    return b""


def _end(process: subprocess.Popen[bytes], token: str) -> None:
    """Nothing of it may stay, however it ended."""
    # Also where it ended by itself: a child in the midst of its exec shows no environment to the first look.
    _signal(process, token, signal.SIGKILL)
    process.wait()
    end_marked(token)


def end_marked(token: str) -> None:
    """Kill every process that carries the mark, or one that begins with it; a few rounds, for those that fork."""
    for _ in range(20):
        found = list(marked(token))
        if not found:
            return
        for pid in found:
            _kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def marked(token: str) -> Iterator[int]:
    """The processes whose environment has the mark: also those that left their group and session."""
    wanted = f"{MARK}={token}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (entry / "environ").read_bytes()
            if wanted in environment and any(
                part == wanted or part.startswith(wanted + b":") for part in environment.split(b"\0")
            ):
                yield int(entry.name)


def _signal(process: subprocess.Popen[bytes], token: str, number: signal.Signals) -> None:
    """To every process of the command, but for bubblewrap's own at SIGTERM: they would take the others with them.

    The oldest first: a shell that learns of its child's end before its own SIGTERM ends without its trap (`sh -e`).
    """
    monitors = _monitors(process.pid) if number is signal.SIGTERM else frozenset()
    for pid in sorted({*marked(token), process.pid} - monitors, key=_born):
        if pid != process.pid or process.returncode is None:
            _kill(pid, number)
    if number is signal.SIGKILL and process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def _born(pid: int) -> tuple[int, int]:
    """Clock ticks from the machine's start to the process', field 22 of proc(5) stat; its number where they are equal."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[19]), pid
    except (OSError, IndexError, ValueError):
        return 0, pid


def _monitors(pid: int) -> frozenset[int]:
    """The outer and the inner process of bubblewrap."""
    if _name(pid) != "bwrap":
        return frozenset()
    inner = [int(child) for child in _children(pid) if _name(int(child)) == "bwrap"]
    return frozenset({pid, *inner})


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _pipe_bytes(fd: int) -> int:
    """How much a pipe holds at most."""
    get_size = getattr(fcntl, "F_GETPIPE_SZ", None)
    return fcntl.fcntl(fd, get_size) if get_size is not None else _CHUNK


def _result(code: int, stop: Stop) -> StepResult:
    """A command that a signal killed ends with 128 and its number, as shells say."""
    code = 128 - code if code < 0 else code
    if code == 0:
        return StepResult(outcome=Outcome.PASSED, exit_code=0)
    if stop.reason is not None:
        return stopped_by(stop.reason, code)
    return StepResult(outcome=Outcome.FAILED, exit_code=code, failure=Failure.EXIT_CODE)
