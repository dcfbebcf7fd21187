"""Where a target may connect to: decided at the socket, whatever library opens it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from runners.targets.contract import TargetError
from runners.targets.reach import Fence, OutOfReachError, check, connect
from tests.live.instance import free_port

ONE_S_OWN = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "::"),
    *("fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
    *("fd00:ec2::254", "100.100.100.200", "168.63.129.16"),
]


@pytest.mark.parametrize("address", ONE_S_OWN)
def test_the_runner_itself_and_its_link_are_out_of_reach(address):
    assert not Fence(()).lets(address)


@pytest.mark.parametrize("address", ["10.0.0.8", "192.168.7.1", "172.20.0.2", "fd12::5", "1.1.1.1", "2606:4700::1111"])
def test_private_networks_and_the_internet_are_within(address):
    assert Fence(()).lets(address)


@pytest.mark.parametrize(
    ("allowed", "lets"),
    [(["127.0.0.1"], True), (["localhost"], True), (["LOCALHOST"], True), (["*"], True), (["other.example"], False)],
)
def test_the_operator_may_allow_more_by_name_and_by_address(allowed, lets):
    assert Fence(allowed).lets("127.0.0.1") is lets


def test_a_name_that_is_no_address_is_not_let_through():
    assert not Fence(()).lets("localhost")


def test_a_unix_socket_needs_its_own_path_and_no_star():
    assert not Fence(["*"]).lets_path("/var/run/docker.sock")
    assert Fence(["/var/run/docker.sock"]).lets_path("/var/run/docker.sock")


def test_a_connection_that_is_refused_says_who_can_allow_it():
    with pytest.raises(OutOfReachError, match=r"localhost \(.*\) lies on the runner .* TARGET_ALLOWED_HOSTS"):
        check("localhost", 22, ())


def test_connecting_to_what_is_allowed():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        connect("localhost", server.getsockname()[1], ["localhost"]) as sock,
    ):
        assert sock.getpeername()[0] == "127.0.0.1"


def test_where_nobody_listens_and_what_has_no_address():
    with pytest.raises(TargetError, match=r"127.0.0.1, port \d+, cannot be reached: Connection refused\."):
        connect("127.0.0.1", free_port(), ["127.0.0.1"])
    with pytest.raises(TargetError, match="nowhere.invalid cannot be found"):
        connect("nowhere.invalid", 22, ())


def test_every_socket_of_a_guarded_process_obeys():
    program = """
import socket, sys
from runners.targets.reach import Fence, OutOfReachError
Fence(sys.argv[1:]).guard()
for family, address in [
    (socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET6, ("::1", 1)), (socket.AF_INET, ("localhost", 1)),
    (socket.AF_UNIX, "/nowhere.sock"),
]:
    for way in ("connect", "connect_ex"):
        with socket.socket(family) as sock:
            try:
                getattr(sock, way)(address)
                print("open")
            except OutOfReachError:
                print("refused")
            except OSError:
                print("open")
"""

    def said(*allowed):
        done = subprocess.run([sys.executable, "-c", program, *allowed], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert said() == ["refused"] * 8
    assert said("localhost", "::1", "/nowhere.sock") == ["open"] * 8
