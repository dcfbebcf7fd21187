"""Which engine steps will run in, and the one line that says why it is none."""

from __future__ import annotations

import socket
import threading

import pytest

from ciservice.embedded import engine
from ciservice.embedded.engine import find


@pytest.fixture
def answering(tmp_path):
    """An engine's socket that answers `/_ping`."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"unix://{path}"
        thread.join(10)


def silent(text: str) -> None:
    raise AssertionError(f"nothing was to be said: {text}")


def test_an_engine_that_answers_is_used(answering):
    found = find(url=answering, wanted=True, say=silent)
    assert (found.executor, found.url, found.note, found.command) == ("docker", answering, "", ())


def test_who_does_not_want_docker_gets_none():
    found = find(url="", wanted=False, say=silent)
    assert found.executor == "process"
    assert "DOCKER=no was set" in found.note


def test_an_engine_elsewhere_that_is_silent_is_named(tmp_path):
    found = find(url=f"unix://{tmp_path}/none", wanted=True, say=silent)
    assert found.executor == "process"
    assert f"no Docker engine answers at unix://{tmp_path}/none" in found.note


def test_a_socket_that_we_may_not_use_is_named(tmp_path, monkeypatch):
    path = tmp_path / "docker.sock"
    path.touch()
    monkeypatch.setattr(engine, "SOCKET", path)
    monkeypatch.setattr(engine.os, "access", lambda *_: False)
    found = find(url="", wanted=True, say=silent)
    assert "group docker" in found.note


def test_without_root_nothing_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "SOCKET", tmp_path / "none")
    monkeypatch.setattr(engine.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find(url="", wanted=True, say=silent)
    assert "only root can install one" in found.note
