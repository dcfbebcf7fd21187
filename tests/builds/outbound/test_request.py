"""Calls with any method: what is sent arrives, headers come back, and what is longer than was asked for is cut."""

from __future__ import annotations

import pytest

from builds.outbound import client
from builds.outbound.errors import DeliveryError
from tests.builds.outbound.servers import answering, read_request, refusing, serving


@pytest.fixture(autouse=True)
def loopback(settings) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_method_body_and_headers_arrive(method):
    requests = []
    answer = b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\nLink: <x>\r\nContent-Length: 2\r\n\r\n{}"
    with serving(answering(answer, requests)) as server:
        got = client.request(method, f"http://127.0.0.1:{server.port}/a", json={"b": 1}, headers={"X-Who": "us"})
    assert (got.status, got.body) == (201, b"{}")
    assert (got.headers.get("retry-after"), got.headers.get("Link")) == ("7", "<x>")
    assert requests[0].startswith(f"{method} /a HTTP/1.1\r\n".encode())
    assert b"X-Who: us\r\n" in requests[0]
    assert requests[0].endswith(b'{"b": 1}')


def test_as_much_is_read_as_was_asked_for():
    def long(connection, over):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)

    with serving(long) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert len(client.request("GET", url).body) == client.MOST_BYTES
        assert len(client.request("GET", url, most_bytes=200_000).body) == 200_000
        assert len(client.request("GET", url, most_bytes=400_000).body) == 300_000


def test_a_redirect_is_an_answer_that_says_where_to():
    with serving(refusing) as canary:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(moved.encode(), [])) as server:
            answer = client.request("GET", f"http://127.0.0.1:{server.port}/")
        assert (answer.status, answer.headers["location"]) == (301, f"http://127.0.0.1:{canary.port}/")
        assert canary.seen == 0


def test_the_guard_is_that_of_every_call(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with serving(refusing) as canary:
        with pytest.raises(DeliveryError) as refusal:
            client.request("DELETE", f"http://127.0.0.1:{canary.port}/")
        assert refusal.value.permanent
        assert canary.seen == 0
