"""One table of addresses for both doors: what git fetches from, and what webhooks and chats are called at."""

from __future__ import annotations

import socket

import pytest

from builds.outbound.addresses import is_allowed
from runners.addresses import is_public
from runners.checkout import GitPolicy
from runners.checkout.address import parse, pin
from runners.errors import CheckoutError

INNER = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1"),
    *("192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "127.9.9.9", "192.88.99.0", "192.88.99.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fe80::1%lo", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "2001:0:7f00:1::", "3fff:fff::1", "2001:1ff::1"),
    "not an address",
]
OUTER = [
    *("1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1", "140.82.121.4"),
    *("2606:50c0:8000::153", "168.63.129.15", "192.88.98.255", "192.88.100.0", "3ffe::1", "2001:200::1"),
]


def pinned() -> tuple[str, ...]:
    """What git may connect to."""
    return pin(parse("https://git.example.com/a", GitPolicy()), GitPolicy()).pinned


@pytest.fixture(autouse=True)
def _name_service(monkeypatch, address) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    told = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_not_public(address):
    assert not is_public(address)
    assert not is_allowed("example.com", address, 443, [])
    with pytest.raises(CheckoutError, match="private network"):
        pinned()


@pytest.mark.parametrize("address", OUTER)
def test_the_internet_is_public(address):
    assert is_public(address)
    assert pinned() == (address,)
    assert is_allowed("example.com", address, 443, [])
