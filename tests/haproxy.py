"""A real HAProxy on this machine, with its runtime API on a port."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.live.instance import free_port
from tests.servers import wait_until

PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/bin")

_CONFIG = """
global
  stats socket ipv4@127.0.0.1:{api} level admin
  stats socket {folder}/api.sock level admin
  {more}
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:{port}
  default_backend shop
backend shop
  balance roundrobin
  {backend}
"""


class Proxy:
    """`port` takes requests for the backend `shop`; `api` is the runtime API."""

    backend = "shop"

    def __init__(self, folder: Path, *, backend: str = "", more: str = "") -> None:
        if PROGRAM is None:
            pytest.skip("haproxy is not installed")
        self.port, self.api_port, self.socket = free_port(), free_port(), folder / "api.sock"
        self._file = folder / "haproxy.cfg"
        self._file.write_text(
            _CONFIG.format(api=self.api_port, port=self.port, folder=folder, backend=backend, more=more)
        )
        self._log = folder / "haproxy.log"
        self._process: subprocess.Popen | None = None

    @property
    def api(self) -> str:
        return f"127.0.0.1:{self.api_port}"

    def start(self) -> Proxy:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-db", "-f", self._file], stdout=log, stderr=log)
        wait_until(self._answers, what=f"HAProxy: {self._log.read_text()}")
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def ask(self, command: str) -> str:
        with socket.create_connection(("127.0.0.1", self.api_port), timeout=10) as connection:
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
