"""What is too old is said with its remedy; what does not answer is not judged."""

from __future__ import annotations

import http.server
import json
import logging
import re
import socketserver
import threading
from pathlib import Path

import pytest

from ciservice import floors
from ciservice.celery import app
from runners.errors import EngineError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor
from runners.floors import ENGINE, GIT, POSTGRES, REDIS


@pytest.mark.parametrize(
    ("floor", "found"),
    [
        (ENGINE, "20.10.24+dfsg1"),
        (ENGINE, "27.0.1"),
        (ENGINE, "dev"),
        (GIT, "git version 2.39.5 (Apple Git-154)"),
        (REDIS, "6.2.14"),
        (POSTGRES, "15.9 (Debian 15.9-0+deb12u1)"),
        (POSTGRES, ""),
    ],
)
def test_new_enough(floor, found):
    assert floor.obstacle(found) == ""


@pytest.mark.parametrize(
    ("floor", "found", "remedy"),
    [
        (ENGINE, "19.03.15", "Docker 20.10 or newer"),
        (GIT, "git version 2.20.1", "git 2.34 or newer"),
        (REDIS, "5.0.14", "Redis 6.2 or newer"),
        (POSTGRES, "14.2", "PostgreSQL 15 or newer"),
    ],
)
def test_too_old(floor, found, remedy):
    assert remedy in floor.obstacle(found)


@pytest.mark.django_db(transaction=True)
def test_this_machine_is_new_enough():
    assert list(floors.obstacles()) == []


UNKNOWN = b"-ERR unknown command `HELLO`, with args beginning with: `3`\r\n"


class OldRedis(socketserver.StreamRequestHandler):
    """Answers as Redis 5 does, which does not know how to greet."""

    def handle(self) -> None:
        while count := self.rfile.readline():
            words = [self._word() for _ in range(int(count[1:]))]
            text = b"# Server\r\nredis_version:5.0.14\r\n"
            answers = {b"INFO": b"$%d\r\n%s\r\n" % (len(text), text), b"PING": b"+PONG\r\n", b"HELLO": UNKNOWN}
            self.wfile.write(answers.get(words[0].upper(), b"+OK\r\n"))

    def _word(self) -> bytes:
        self.rfile.readline()
        return self.rfile.readline().strip()


@pytest.fixture
def serve():
    """Runs a server in a thread until the test ends."""
    running = []

    def start(server: socketserver.BaseServer) -> None:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_old_redis_is_named_in_the_log(serve, monkeypatch, caplog):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), OldRedis)
    serve(server)
    address = f"redis://127.0.0.1:{server.server_address[1]}/0"
    monkeypatch.setattr(floors, "celery_app", type(app)(broker=address, set_as_current=False))
    monkeypatch.setattr(floors, "_postgres", lambda: "")
    with caplog.at_level(logging.INFO):
        floors.report()
    assert re.search(r"Redis 5(\.0\.14)? is too old", caplog.text)
    assert "Install Redis 6.2 or newer" in caplog.text


class OldEngine(http.server.BaseHTTPRequestHandler):
    """A Docker engine of 2019, as far as it is asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(
            {"Version": "19.03.15", "ApiVersion": "1.40", "MinAPIVersion": "1.12", "Arch": "amd64"}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "engine"

    def log_message(self, *_: object) -> None:
        """Quiet."""


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """HTTP on a socket in the file system, a thread for each connection."""


def test_an_old_engine_is_refused_with_the_remedy(serve, tmp_path: Path):
    path = tmp_path / "s"
    serve(UnixServer(str(path), OldEngine))
    executor = DockerExecutor(ExecutorSettings(name="docker", data_dir=tmp_path, docker_url=f"unix://{path}"))
    with pytest.raises(EngineError, match="Docker 19.03.15 is too old: .*Install Docker 20.10 or newer"):
        executor.open()
