"""Which addresses may be fetched: a table of what strangers try, and what people use."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from runners.checkout import GitPolicy, fetch
from runners.checkout.address import parse, pin
from runners.contract import GitSource
from runners.errors import CheckoutError
from tests.runners.checkout.conftest import QUICK

PUBLIC = GitPolicy(limits=QUICK)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port"),
    [
        ("https://github.com/owner/repo.git", "https", "github.com", 443),
        ("https://git.example.com:8443/a/b", "https", "git.example.com", 8443),
        ("https://user@git.example.com/a/b", "https", "git.example.com", 443),
        ("ssh://git@git.example.com/a/b.git", "ssh", "git.example.com", 22),
        ("ssh://git@git.example.com:2222/a/b.git", "ssh", "git.example.com", 2222),
        ("git@github.com:owner/repo.git", "ssh", "github.com", 22),
        ("github.com:owner/repo.git", "ssh", "github.com", 22),
        ("git@git.example.com:~user/repo", "ssh", "git.example.com", 22),
        ("git@git.example.com:/srv/git/repo", "ssh", "git.example.com", 22),
    ],
)
def test_addresses_that_people_use(url, scheme, host, port):
    address = parse(url, PUBLIC)

    assert (address.scheme, address.host, address.port) == (scheme, host, port)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "ext::sh -c 'touch x'",
        "ext::sh",
        "fd::17",
        "file:///etc",
        "/etc/passwd",
        "../up",
        "relative/path",
        "--upload-pack=touch x",
        "-oProxyCommand=touch x",
        "git://github.com/a/b",
        "ftp://example.com/a",
        "http://github.com/a/b",
        "javascript://alert(1)/x",
        "git@host:-x",
        "git@-oProxyCommand=x:a",
        "-x@host:a",
        "ssh://-oProxyCommand=touch/a",
        "ssh://git@host/-x",
        "ssh://-x@host/a",
        "https://user:pw@example.com/a",
        "https://example.com/a\nb",
        "https://example.com/a b",
        "https://example.com\\@evil/a",
        "https://example.com",
        "https://example.com./a",
        "https://",
        "https://example.com:99999/a",
        "https://example.com:x/a",
        "https://example.com/a?x=1",
        "https://example.com/a#x",
        "https://exa mple.com/a",
        "https://$(id)/a",
        "https://[::1/a",
        "git@host:a\x00b",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_addresses_that_are_refused_without_a_look_at_the_network(url, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    source = GitSource(url=url, commit="a" * 40, ref="refs/heads/main", mirror="m")

    with pytest.raises(CheckoutError) as caught:
        fetch(source, tmp_path, policy=PUBLIC)

    assert caught.value.retry is False
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///srv/a/../../etc", "/srv/../etc", "file://host/share", "file://relative"])
def test_odd_local_paths_are_refused_even_where_paths_are_allowed(url):
    with pytest.raises(CheckoutError):
        parse(url, GitPolicy(allow_local=True))


def test_plain_http_is_for_hosts_the_operator_names():
    assert parse("http://git.lan/a", GitPolicy(allowed_hosts=("git.lan",))).scheme == "http"
    assert parse("http://git.lan/a", GitPolicy(allowed_hosts=("*",))).scheme == "http"


def answers(*addresses: str):
    """A name service with one answer for every name."""

    def getaddrinfo(host, port, *_: object, **__: object) -> list:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    return getaddrinfo


@pytest.mark.parametrize("found", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["8.8.8.8", "::ffff:127.0.0.1"]])
def test_a_name_with_one_inner_answer_is_refused(monkeypatch, found):
    monkeypatch.setattr(socket, "getaddrinfo", answers(*found))

    with pytest.raises(CheckoutError, match="private network") as caught:
        pin(parse("https://git.example.com/a", PUBLIC), PUBLIC)

    assert caught.value.retry is False


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_odd_spellings_of_this_machine_are_refused(host):
    with pytest.raises(CheckoutError) as caught:
        pin(parse(f"https://{host}/a", PUBLIC), PUBLIC)

    assert caught.value.retry is False


def test_a_trusted_host_may_be_private_and_others_still_not(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers("10.0.0.1"))
    policy = replace(PUBLIC, allowed_hosts=("git.lan",))

    assert pin(parse("https://git.lan/a", policy), policy).pinned == ("10.0.0.1",)
    with pytest.raises(CheckoutError):
        pin(parse("https://other.lan/a", policy), policy)


def test_a_name_nobody_knows_may_be_known_later(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(CheckoutError, match="could not be resolved") as caught:
        pin(parse("https://git.example.com/a", PUBLIC), PUBLIC)

    assert caught.value.retry is True
