"""Misfortune: processes killed, frozen and told to stop, Redis emptied, PostgreSQL restarted, the disk filled, the power cut."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

from benchmarks.soak.diary import Diary
from benchmarks.soak.disk import Disk
from benchmarks.soak.house import House
from benchmarks.soak.story import FAULTS, Fault

SIGNALS = {"kill": signal.SIGKILL, "drain": signal.SIGTERM}


class Misfortune:
    """`run` lets one after another happen until told to stop; `possible` is what can happen here."""

    def __init__(self, house: House, disk: Disk | None, diary: Diary, *, stop: threading.Event) -> None:
        self._house, self._disk, self._diary, self._stop = house, disk, diary, stop
        self._special: dict[str, Callable[[Fault], None]] = {"cut power": self._cut_power}
        if disk is not None:
            self._special["fill disk"] = self._fill
        if house.postgres is not None:
            self._special["restart postgres"] = lambda fault: house.restart_postgres(fault.seconds)
        # Begun and not over: the web is excused, and nobody wonders that processes are gone.
        self.now = ""

    @property
    def possible(self) -> set[str]:
        """Names of FAULTS."""
        return {name for name in FAULTS if name in self._special or name.split()[0] in {"kill", "freeze", "drain"}}

    def run(self, story: Iterator[Fault]) -> None:
        """What the story says."""
        for fault in story:
            if self._stop.wait(fault.pause):
                return
            try:
                self.befall(fault)
            except Exception as error:
                self._diary.broke(f"after {fault.what}: {type(error).__name__}: {error}")

    def befall(self, fault: Fault) -> None:
        """One misfortune, from its beginning to its end."""
        begin, self.now = time.time(), fault.what
        try:
            if special := self._special.get(fault.what):
                special(fault)
            else:
                self._to_a_process(fault)
        finally:
            self._diary.fell(fault.what, begin, number=fault.number, seconds=round(time.time() - begin, 1))
            self.now = ""

    def _to_a_process(self, fault: Fault) -> None:
        how, role = fault.what.split()
        pids = self._house.pids(role)
        if not pids:
            return  # it lies on the floor already
        pid = pids[int(fault.chance * len(pids))]
        with contextlib.suppress(ProcessLookupError):
            if how == "freeze":
                os.kill(pid, signal.SIGSTOP)
                self._stop.wait(fault.seconds)
                os.kill(pid, signal.SIGCONT)
            else:
                os.kill(pid, SIGNALS[how])

    def _fill(self, fault: Fault) -> None:
        assert self._disk is not None
        try:
            self._disk.fill()
            self._stop.wait(fault.seconds)
        finally:
            self._disk.free()

    def _cut_power(self, fault: Fault) -> None:
        self._house.cut_power()
        time.sleep(fault.seconds)
        self._house.switch_on()
