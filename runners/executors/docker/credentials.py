"""Who one job is at which registry: from encrypted files of its checkout, and from services that write credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runners.contract import HearSecrets, ServiceSpec, StepSpec, Stop
from runners.decryption import open_file
from runners.errors import ImageError, SpecError
from runners.executors.docker.output import StepOutput
from runners.executors.docker.registries import NOBODY, Logins, read_dockercfg

Generate = Callable[[str, StepOutput, Stop], bytes]
"""Runs the service of that name and returns the dockercfg that it wrote."""


@dataclass(frozen=True)
class Access:
    """Where credentials come from; nowhere where both are empty."""

    path: str = ""
    service: str = ""


def access_of(*who: StepSpec | ServiceSpec | None) -> Access:
    """That of the first who names any: a step's go before its service's."""
    for one in who:
        if one is not None and (one.encrypted_dockercfg_path or one.dockercfg_service):
            return Access(one.encrypted_dockercfg_path, one.dockercfg_service)
    return Access()


class Credentials:
    """One job's. Thread-safe; what was asked for once is remembered for the job, and nowhere written down."""

    def __init__(self, checkout: Path, key: str, hear_secrets: HearSecrets) -> None:
        self._checkout, self._key, self._hear_secrets = checkout, key, hear_secrets
        self._known: dict[Access, Logins] = {Access(): NOBODY}
        self._under_way: list[str] = []
        self._lock = threading.RLock()
        self.generate: Generate | None = None  # set by the workspace, which can run services

    def of(self, access: Access, output: StepOutput, stop: Stop) -> Logins:
        """The logins. SpecError where the file or the service does not give them."""
        if access in self._known:
            return self._known[access]
        while not self._lock.acquire(timeout=1):
            if stop.reason is not None:
                raise ImageError("Stopped while credentials of a registry were waited for.")
        try:
            if access not in self._known:
                logins = self._read(access, output, stop)
                self._hear_secrets(logins.secrets())
                self._known[access] = logins
            return self._known[access]
        finally:
            self._lock.release()

    def _read(self, access: Access, output: StepOutput, stop: Stop) -> Logins:
        if access.path:
            return read_dockercfg(open_file(self._checkout, access.path, self._key), access.path)
        if self.generate is None or access.service in self._under_way:
            raise SpecError(f"dockercfg_service: the service {access.service} would need its own credentials to run.")
        self._under_way.append(access.service)
        try:
            return read_dockercfg(
                self.generate(access.service, output, stop), f"what the service {access.service} wrote"
            )
        finally:
            self._under_way.pop()
