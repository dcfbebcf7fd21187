"""Hosts with real sshds: each has a folder of its own at the path that releases are deployed to."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from runners.targets.contract import Delivery
from runners.targets.ssh import target
from runners.targets.ssh.settings import Settings
from tests.live.instance import free_port
from tests.runners.sshd import SSHD, Sshd, make_key
from tests.runners.targets.releases import Log, lay, release


class Hosts:
    """Some machines, as far as they matter here."""

    target: ModuleType = target

    def __init__(self, folder: Path, number: int, programs: Path | None = None) -> None:
        self._folder, self._programs = folder, programs
        self.to = folder / "srv"
        self.to.mkdir()
        self.key = make_key(folder / "key")
        self.sshds = [self._sshd(folder, position) for position in range(number)]

    def _sshd(self, folder: Path, position: int) -> Sshd:
        own = folder / f"disk-{position}"
        own.mkdir()
        sshd = Sshd(folder / f"sshd-{position}", own=own, at=self.to, programs=self._programs)
        (sshd.folder / "authorized_keys").write_text((folder / "key.pub").read_text())
        return sshd

    def disk(self, position: int = 0) -> Path:
        """What that host has at the path that is deployed to."""
        return self._folder / f"disk-{position}" / "app"

    def given(self, **fields) -> Settings:
        """Settings by which a release goes to all of them."""
        known = {
            "hosts": [sshd.name for sshd in self.sshds],
            "user": self.sshds[0].user,
            "host_keys": [sshd.known for sshd in self.sshds],
            "to": str(self.to / "app"),
        }
        return Settings(**{**known, **fields})

    def release(self, number: int, **fields) -> Delivery:
        folder = self._folder / f"release-{number}"
        lay(folder, {"release.txt": str(number), "bin/run": "#!/bin/sh\n", **fields.pop("files", {})})
        known = {"ssh_key": self.key, "allowed_hosts": ("127.0.0.1",)}
        return release(folder, number, **{**known, **fields})

    def deliver(self, number: int, settings: Settings | None = None, **fields) -> Log:
        log = Log()
        target.deliver(settings or self.settings, self.release(number, **fields), log)
        return log

    @property
    def settings(self) -> Settings:
        return self.given(restart=f"cat release.txt >> {self.to}/restarts")

    @property
    def wrong(self) -> Settings:
        return self.given(key=make_key(self._folder / "stranger"))

    @property
    def away(self) -> Settings:
        return self.given(hosts=[f"127.0.0.1:{free_port()}"])

    def serving(self) -> dict[str, float]:
        found = Counter(
            (self.disk(position) / "current/release.txt").read_text()
            for position in range(len(self.sshds))
            if (self.disk(position) / "current").exists()
        )
        return {number: count / len(self.sshds) for number, count in found.items()}

    def work(self) -> object:
        return [self.facts(position) for position in range(len(self.sshds))]

    def facts(self, position: int = 0) -> object:
        """Every file with its time, the restarts, and the log of switches."""
        disk = self._folder / f"disk-{position}"
        return sorted((str(path), path.lstat().st_ino, path.lstat().st_mtime_ns) for path in disk.rglob("*"))


@pytest.fixture
def make_hosts(tmp_path):
    if SSHD is None or shutil.which("bwrap") is None:
        pytest.skip("openssh-server or bubblewrap is not installed")
    made: list[Hosts] = []

    def make(number: int, programs: Path | None = None) -> Hosts:
        hosts = Hosts(tmp_path, number, programs)
        made.append(hosts)
        for sshd in hosts.sshds:
            sshd.start()
        return hosts

    yield make
    for hosts in made:
        for sshd in hosts.sshds:
            sshd.stop()


@pytest.fixture
def host(make_hosts) -> Hosts:
    """A single one."""
    return make_hosts(1)
