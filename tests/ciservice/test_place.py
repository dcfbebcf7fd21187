"""What keeps an embedded instance from starting is said in one line; its secrets stay its own."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from ciservice.embedded import place as places
from ciservice.embedded.place import CannotStart, Place, keep_secrets, prepare
from tests.live.instance import free_port


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(data_dir=tmp_path / "data", host="127.0.0.1", port=free_port())


def test_a_good_place_is_locked_for_others(place):
    lock = prepare(place)
    with pytest.raises(CannotStart, match="another ciservice runs in"):
        prepare(place)
    lock.close()
    prepare(place).close()


def test_a_taken_port_is_named(place):
    with socket.socket() as taken:
        taken.bind((place.host, place.port))
        taken.listen()
        with pytest.raises(CannotStart, match=f"port {place.port}.*set PORT"):
            prepare(place)


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="cannot be written.*DATA_DIR"):
        prepare(Place(data_dir=tmp_path / "file" / "data", host="127.0.0.1", port=free_port()))


def test_a_missing_git_is_named(place, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CannotStart, match="git is not installed"):
        prepare(place)


def test_an_unknown_host_is_named(tmp_path):
    with pytest.raises(CannotStart, match="HOST=no.such.host.invalid"):
        prepare(Place(data_dir=tmp_path, host="no.such.host.invalid", port=8000))


def test_secrets_are_made_once_and_private(place):
    place.data_dir.mkdir()
    made = keep_secrets(place)
    assert keep_secrets(place) == made
    assert len(set(made.values())) == 2
    assert stat.S_IMODE(os.stat(place.data_dir / "secrets.json").st_mode) == 0o600


def test_a_long_path_gets_a_short_socket(tmp_path):
    long = Place(data_dir=tmp_path / ("x" * 120), host="127.0.0.1", port=8000)
    assert len(str(long.redis_socket)) <= places.LONGEST_SOCKET_PATH
    assert Place(data_dir=tmp_path / "d", host="", port=1).redis_socket.parent == tmp_path / "d"


@pytest.mark.parametrize(
    ("host", "private"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.5", False)]
)
def test_who_can_reach_it(tmp_path, host, private):
    assert Place(data_dir=tmp_path, host=host, port=80).is_private is private


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_the_address_for_people(tmp_path, host, url):
    assert Place(data_dir=tmp_path, host=host, port=80).url == url
