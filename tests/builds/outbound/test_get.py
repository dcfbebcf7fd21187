"""Opening an address: what is told of the answer, and of a certificate; the guard is that of every call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from builds.outbound import client
from builds.outbound.errors import DeliveryError
from tests.builds.outbound.certificates import DAY, Authority
from tests.builds.outbound.servers import (
    OK,
    answering,
    dripping,
    encrypted,
    read_request,
    refusing,
    serving,
    silent,
)


@pytest.fixture
def loopback(settings) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.fixture
def authority(tmp_path, settings, loopback) -> Authority:
    """It is trusted."""
    authority = Authority(tmp_path)
    settings.OUTBOUND_CA_FILE = str(authority.file)
    return authority


def test_it_tells_status_body_and_how_long_the_headers_took(loopback):
    requests = []

    def late(connection, over):
        requests.append(read_request(connection))
        over.wait(0.2)
        connection.sendall(OK)

    with serving(late) as server:
        answer = client.get(f"http://127.0.0.1:{server.port}/page?a=b")
    assert (answer.status, answer.body, answer.certificate_ends) == (200, b"ok", None)
    assert answer.milliseconds >= 200
    assert requests[0].startswith(b"GET /page?a=b HTTP/1.1\r\n")
    assert b"Authorization" not in requests[0]


def test_the_body_does_not_count_as_time(loopback):
    def slow_body(connection, over):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        over.wait(0.5)
        connection.sendall(b"k")

    with serving(slow_body) as server:
        answer = client.get(f"http://127.0.0.1:{server.port}/")
    assert answer.body == b"ok"
    assert answer.milliseconds < 500


def test_a_password_in_the_address_is_used_and_not_sent_as_part_of_it(loopback):
    requests = []
    with serving(answering(OK, requests)) as server:
        assert client.get(f"http://ann:s%40fe@127.0.0.1:{server.port}/").status == 200
    assert b"Authorization: Basic YW5uOnNAZmU=\r\n" in requests[0]
    assert requests[0].startswith(b"GET / HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in requests[0]


def test_what_post_may_not_call_get_may_not_open(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with serving(refusing) as canary:
        for host in ("127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "user:word@127.0.0.1"):
            with pytest.raises(DeliveryError) as refusal:
                client.get(f"http://{host}:{canary.port}/")
            assert refusal.value.permanent
        assert canary.seen == 0


def test_a_redirect_is_an_answer(loopback):
    with serving(refusing) as canary:
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(moved.encode(), [])) as server:
            assert client.get(f"http://127.0.0.1:{server.port}/").status == 302
        assert canary.seen == 0


@pytest.mark.parametrize("behaviour", [silent, dripping])
def test_it_waits_as_long_as_it_is_told_and_no_longer(behaviour, loopback):
    with serving(behaviour) as server, pytest.raises(DeliveryError, match=r"No answer within 0\.3 s"):
        client.get(f"http://127.0.0.1:{server.port}/", total_seconds=0.3)


def test_it_tells_until_when_the_certificate_is_good(authority):
    with serving(encrypted(authority.context(ends=30 * DAY), answering(OK, []))) as server:
        answer = client.get(f"https://127.0.0.1:{server.port}/")
    assert answer.status == 200
    assert abs(answer.certificate_ends - (datetime.now(UTC) + 30 * DAY)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        ({"ends": -DAY}, "The server's certificate has expired"),
        ({"begins": DAY}, "The server's certificate is not good yet"),
        ({"name": "other.example.com"}, "The server's certificate is for another (name|address)"),
        ({"name": "127.0.0.2"}, "The server's certificate is for another (name|address)"),
    ],
)
def test_it_says_what_is_wrong_with_a_certificate(shown, sentence, authority):
    with (
        serving(encrypted(authority.context(**shown), answering(OK, []))) as server,
        pytest.raises(DeliveryError, match=f"^{sentence}$") as refusal,
    ):
        client.get(f"https://127.0.0.1:{server.port}/")
    assert not refusal.value.permanent


def test_it_says_that_nobody_known_has_signed(tmp_path, loopback):
    with (
        serving(encrypted(Authority(tmp_path).context(), answering(OK, []))) as server,
        pytest.raises(DeliveryError, match="no authority that is known here has signed it"),
    ):
        client.get(f"https://127.0.0.1:{server.port}/")


def test_it_says_that_there_is_no_tls(loopback):
    def plain(connection, over):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with (
        serving(plain) as server,
        pytest.raises(DeliveryError, match="does not speak TLS"),
    ):
        client.get(f"https://127.0.0.1:{server.port}/")


def test_what_is_no_http_is_no_answer(loopback):
    with (
        serving(answering(b"SSH-2.0-OpenSSH_9.2\r\n", [])) as server,
        pytest.raises(DeliveryError, match="The connection failed"),
    ):
        client.get(f"http://127.0.0.1:{server.port}/")
