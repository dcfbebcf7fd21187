"""A real registry on this machine, open to one user alone; and a door before it that stumbles when it is told to."""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runners.executors.docker.registries import Login
from tests.live.instance import free_port
from tests.servers import wait_until

PROGRAM = shutil.which("docker-registry")
USER = "robot"
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


class PrivateRegistry:
    """Debian's docker-registry with basic authentication."""

    def __init__(self, folder: Path) -> None:
        if PROGRAM is None:
            pytest.skip("docker-registry is not installed")
        self.password = secrets.token_urlsafe(18)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        (folder / "htpasswd").write_text(f"{USER}:{_bcrypt(self.password)}\n")
        (folder / "config.json").write_text(json.dumps(self._config(folder)))
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen([PROGRAM, "serve", folder / "config.json"], stdout=log, stderr=log)
        wait_until(lambda: self.status("") == 200)

    @property
    def login(self) -> Login:
        return Login(username=USER, password=self.password)

    def dockercfg(self, *, address: str = "", old: bool = False, password: str = "") -> bytes:
        """What a project encrypts: config.json, or the older .dockercfg."""
        basic = base64.b64encode(f"{USER}:{password or self.password}".encode()).decode()
        entries = {address or self.address: {"auth": basic, "email": "robot@example.com"}}
        return json.dumps(entries if old else {"auths": entries}).encode()

    def status(self, path: str) -> int:
        """HTTP's answer to the user for /v2/<path>; 0 where nobody listens."""
        return self._ask("GET", path)[0]

    def manifest(self, repository: str, tag: str) -> str:
        """The digest of a tag; "" where there is none."""
        return self._ask("HEAD", f"{repository}/manifests/{tag}")[1]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, method: str, path: str) -> tuple[int, str]:
        asked = urllib.request.Request(f"http://{self.address}/v2/{path}", method=method)
        basic = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        asked.add_header("Authorization", f"Basic {basic}")
        asked.add_header("Accept", "application/vnd.docker.distribution.manifest.v2+json")
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return answer.status, answer.headers.get("Docker-Content-Digest", "")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""
        except OSError:
            return 0, ""

    def _config(self, folder: Path) -> dict[str, object]:
        return {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": self.address, "secret": secrets.token_hex(16)},
            "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
        }


class StumblingDoor:
    """Passes everything on to the registry, but answers 503 as often as `stumbles` says when a manifest is put."""

    def __init__(self, registry: PrivateRegistry) -> None:
        self.stumbles = self.refused = 0
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = _chunks(self.rfile) if self.headers.get("Transfer-Encoding") else self.rfile.read(length)
                if self.command == "PUT" and "/manifests/" in self.path and door.stumbles:
                    door.stumbles -= 1
                    door.refused += 1
                    return self._answer(503, {}, b"")
                asked = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=30)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                asked.request(self.command, self.path, body=body, headers=headers)
                answer = asked.getresponse()
                content = answer.read()
                asked.close()
                return self._answer(answer.status, dict(answer.getheaders()), content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                is_head = self.command == "HEAD"
                self.send_header("Content-Length", headers.get("Content-Length", "0") if is_head else str(len(content)))
                self.end_headers()
                if not is_head:
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _chunks(file) -> bytes:
    body = b""
    while size := int(file.readline().split(b";")[0], 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body


def _bcrypt(password: str) -> str:
    """As htpasswd -B writes it; perl has the C library's crypt, and Debian always has perl."""
    salt = "$2y$05$" + secrets.token_hex(11)
    program = "print crypt($ENV{PASSWORD}, $ENV{SALT})"
    environment = {"PASSWORD": password, "SALT": salt, "PATH": os.defpath}
    return subprocess.run(["perl", "-e", program], env=environment, capture_output=True, text=True, check=True).stdout
