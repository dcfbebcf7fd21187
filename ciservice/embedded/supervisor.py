"""Keeps processes alive on one machine: starts them, names their output, restarts the fallen, ends them in order.

Python processes are forked from this one, which has loaded Django once: they share its memory and start in
milliseconds. It therefore holds no thread and no database connection of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from setproctitle import setproctitle

RESTART_SECONDS = (0.2, 1.0, 3.0, 10.0)  # waits before the first, second, ... restart in a row
READY_SECONDS = 10
STEADY_SECONDS = 30  # alive that long, a fall counts as the first again
PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One process to keep: `target` runs in a fork, or `command` is executed.

    `once`: not started again. `ready`: the programs after it start when this says yes, or after READY_SECONDS.
    `pid`: it runs already, as a child of ours.
    """

    name: str
    target: Callable[[], None] | None = None
    command: Sequence[str] = ()
    once: bool = False
    quiet: bool = False  # its output is shown only when it fails
    stop_seconds: float = 15
    ready: Callable[[], bool] = lambda: True
    pid: int = 0
    started: float = 0
    falls: int = 0
    start_at: float = 0
    partial: bytes = field(default=b"", repr=False)
    kept: list[str] = field(default_factory=list, repr=False)


class Supervisor:
    """Runs programs until SIGINT or SIGTERM, then ends them, the last started first."""

    def __init__(self, programs: list[Program], *, out: TextIO = sys.stdout) -> None:
        self._programs = programs
        self._out = out
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe()
        self._supervisor_pid = os.getpid()

    def run(self) -> None:
        """Block until told to stop; everything has ended when this returns."""
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._wake_write)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        gc.collect()
        gc.freeze()  # what is loaded now is never collected, and so stays shared with every fork
        try:
            while not self._stopping:
                waiting = self._start_due()
                self._wait(0.02 if waiting else 1.0)
                self._reap()
        finally:
            self.end()

    def end(self) -> None:
        """End the programs, the last started first; those that do not listen are killed."""
        self._stopping = True
        for program in reversed(self._programs):
            if program.pid:
                self._end(program)
        self._selector.close()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start_due(self) -> bool:
        """Start what is due; True while one that others wait for is not ready."""
        now = time.monotonic()
        for program in self._programs:
            if not program.pid and 0 <= program.start_at <= now:
                self._start(program)
            if program.pid and not program.ready() and now - program.started < READY_SECONDS:
                return True
        return False

    def _start(self, program: Program) -> None:
        read, write = os.pipe()
        self._out.flush()
        pid = os.fork()
        if pid == 0:
            self._become(program, write)
        os.close(write)
        os.set_blocking(read, False)
        self._selector.register(read, selectors.EVENT_READ, program)
        program.pid, program.started = pid, time.monotonic()

    def _become(self, program: Program, output: int) -> None:
        """In the fork: never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()  # Ctrl-C goes to us alone; we end the others in order
            die_with_parent()
            if os.getppid() != self._supervisor_pid:
                os._exit(1)
            self._selector.close()
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.closerange(3, 256)
            if program.target is None:
                os.execvp(program.command[0], list(program.command))  # noqa: S606
            setproctitle(f"ciservice {program.name}")
            program.target()
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001  # the edge of a process: say why it ends
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, seconds: float) -> None:
        soonest = min(
            (p.start_at - time.monotonic() for p in self._programs if not p.pid and p.start_at > 0), default=seconds
        )
        for key, _ in self._selector.select(max(0.0, min(seconds, soonest))):
            if key.data is None:
                while _read(self._wake_read):
                    pass
            else:
                self._show(key.fd, key.data)

    def _show(self, fd: int, program: Program) -> None:
        data = _read(fd)
        if data is None:
            return
        if not data:
            self._selector.unregister(fd)
            os.close(fd)
            data = b"\n" if program.partial else b""
        *lines, program.partial = (program.partial + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if program.quiet:
                program.kept = [*program.kept[-20:], text]
            else:
                self._say(program.name, text)

    def _say(self, name: str, text: str) -> None:
        self._out.write(f"{name:>7} | {text}\n" if name else f"{text}\n")
        self._out.flush()

    def _reap(self) -> None:
        for program in self._programs:
            if not program.pid:
                continue
            pid, status = os.waitpid(program.pid, os.WNOHANG)
            if pid:
                self._fell(program, os.waitstatus_to_exitcode(status))

    def _fell(self, program: Program, code: int) -> None:
        alive = time.monotonic() - program.started
        program.pid = 0
        if program.once:
            program.start_at = -1
            if code and not self._stopping:
                self._tell(program, f"ended with {code}")
            return
        program.falls = 1 if alive > STEADY_SECONDS else program.falls + 1
        wait = RESTART_SECONDS[min(program.falls, len(RESTART_SECONDS)) - 1]
        program.start_at = time.monotonic() + wait
        if not self._stopping:
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            self._tell(program, f"{how} after {alive:.0f} s; starting it again")

    def _tell(self, program: Program, text: str) -> None:
        for line in program.kept:
            self._say(program.name, line)
        program.kept = []
        self._say(program.name, text)

    def _end(self, program: Program) -> None:
        os.kill(program.pid, signal.SIGTERM)
        deadline = time.monotonic() + program.stop_seconds
        while program.pid and time.monotonic() < deadline:
            self._wait(0.1)
            self._reap()
        if program.pid:
            self._say(program.name, f"did not stop within {program.stop_seconds:.0f} s: killed")
            os.killpg(program.pid, signal.SIGKILL)
            os.waitpid(program.pid, 0)
            program.pid = 0


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends, even by SIGKILL (Linux; elsewhere nothing happens)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _read(fd: int) -> bytes | None:
    """What is there to read; b"" at the end, None where there is nothing yet."""
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return None
