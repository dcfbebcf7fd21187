"""Bodies that are too long, told by their length, sent in pieces, or lied about."""

import asyncio

import pytest

from ciservice.body_limit import BodyLimit


def ask(pieces, *, headers=(), limit=10):
    """Send `pieces` through the limit; returns (status, bytes that the application read, whether it was cut off)."""
    sent, read, cut = [], [], []

    async def application(scope, receive, send):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                cut.append(True)
                return
            read.append(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    messages = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(BodyLimit(application, limit)({"type": "http", "headers": list(headers)}, receive, send))
    assert len(sent) == 2
    return sent[0]["status"], b"".join(read), bool(cut)


def test_a_body_at_the_limit_passes():
    assert ask([b"12345", b"67890"], headers=[(b"content-length", b"10")]) == (200, b"1234567890", False)


def test_a_declared_length_above_it_is_refused_unread():
    assert ask([b"x" * 11], headers=[(b"content-length", b"11")]) == (413, b"", False)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"3")], [(b"content-length", b"-1")]])
def test_a_body_that_grows_above_it_is_cut_off(headers):
    status, read, cut = ask([b"12345", b"67890", b"1", b"never asked for"], headers=headers)
    assert (status, read, cut) == (413, b"1234567890", True)
