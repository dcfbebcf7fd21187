"""CodeShip's encryption, checked against openssl, the published sample, and every arrangement that version 2 could have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import secrets
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.encryption import (
    MOST_BYTES,
    WRONG_CHECKSUM,
    ChecksumError,
    EncryptionError,
    decrypt,
    encrypt,
    new_key,
    parse_key,
)

SAMPLE = Path("/work/shared/codeship-encryption-sample")
PLAIN = "GRÜSSE=an alle\nZWEI=2\n".encode()


def by_openssl(plain: bytes, key: bytes, iv: bytes) -> bytes:
    argv = ["openssl", "enc", "-aes-256-cfb", "-K", key.hex(), "-iv", iv.hex()]
    return subprocess.run(argv, input=plain, capture_output=True, check=True).stdout


def digests_of_plain(key: bytes, plain: bytes) -> dict[str, bytes]:
    return {
        "sha": hashlib.sha256(plain).digest(),
        "hmac": hmac.digest(key, plain, "sha256"),
        "hmac base64": hmac.digest(base64.b64encode(key), plain, "sha256"),
        "sha key first": hashlib.sha256(key + plain).digest(),
        "sha key last": hashlib.sha256(plain + key).digest(),
    }


def version_2(where: str, kind: str, key: bytes, plain: bytes) -> str:
    """A text of version 2 with the digest of this kind at this place."""
    iv = secrets.token_bytes(16)
    digest = digests_of_plain(key, plain).get(kind, b"")
    if where.startswith("inside"):
        return _signed(iv + by_openssl(digest + plain if where == "inside first" else plain + digest, key, iv))
    body = by_openssl(plain, key, iv)
    digest = (
        digest
        or {
            "hmac sealed": hmac.digest(key, body, "sha256"),
            "hmac iv sealed": hmac.digest(key, iv + body, "sha256"),
            "sha sealed": hashlib.sha256(body).digest(),
            "sha iv sealed": hashlib.sha256(iv + body).digest(),
        }[kind]
    )
    return _signed({"first": digest + iv + body, "after iv": iv + digest + body, "last": iv + body + digest}[where])


def _signed(sealed: bytes) -> str:
    return "codeship:v2\n" + base64.b64encode(sealed).decode()


OF_PLAIN = list(digests_of_plain(b"", b""))
OF_SEALED = ["hmac sealed", "hmac iv sealed", "sha sealed", "sha iv sealed"]
ARRANGEMENTS = [
    *itertools.product(["inside first", "inside last"], OF_PLAIN),
    *itertools.product(["first", "after iv", "last"], [*OF_PLAIN, *OF_SEALED]),
]


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="CodeShip's published sample is not on this machine")
def test_codeships_own_sample_opens():
    key = parse_key((SAMPLE / "codeship.aes").read_text())

    plain = decrypt((SAMPLE / "environment.encrypted").read_text(), key)

    assert plain.decode().splitlines()[1:] == (SAMPLE / "environment").read_text().splitlines()[1:]


def test_what_openssl_sealed_opens():
    key, iv = new_key(), secrets.token_bytes(16)

    assert decrypt(base64.b64encode(iv + by_openssl(PLAIN, key.raw, iv)).decode(), key) == PLAIN


def test_openssl_opens_what_is_sealed_here():
    key = new_key()
    text = encrypt(PLAIN, key)
    sealed = base64.b64decode(text)
    argv = ["openssl", "enc", "-d", "-aes-256-cfb", "-K", key.raw.hex(), "-iv", sealed[:16].hex()]

    found = subprocess.run(argv, input=sealed[16:], capture_output=True, check=True).stdout

    assert found == PLAIN
    assert "\n" not in text


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_there_and_back(plain):
    key = new_key()

    assert decrypt(encrypt(plain, key), key) == plain


def test_no_two_texts_are_alike():
    key = new_key()

    assert encrypt(PLAIN, key) != encrypt(PLAIN, key)


@pytest.mark.parametrize(("where", "kind"), ARRANGEMENTS)
@pytest.mark.parametrize("plain", [b"", b"A=1", PLAIN, b"x" * 100], ids=len)
def test_every_arrangement_of_version_2_opens(where, kind, plain):
    key = new_key()

    assert decrypt(version_2(where, kind, key.raw, plain), key) == plain


@pytest.mark.parametrize(("where", "kind"), ARRANGEMENTS)
def test_another_key_or_a_changed_byte_does_not_open_version_2(where, kind):
    key = new_key()
    text = version_2(where, kind, key.raw, PLAIN)
    sealed = bytearray(base64.b64decode(text.split("\n")[1]))
    sealed[-1] ^= 1

    with pytest.raises(ChecksumError, match=f"^{WRONG_CHECKSUM}$"):
        decrypt(text, new_key())
    with pytest.raises(ChecksumError):
        decrypt(_signed(bytes(sealed)), key)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: "\ufeff" + text,
        lambda text: text + "\n",
        lambda text: text.replace("\n", "\r\n") + "\r\n",
        lambda text: "\n  " + text + " \n\n",
        lambda text: "\n".join(part for line in text.split("\n") for part in (line[:20], line[20:])),
    ],
    ids=["byte order mark", "end of line", "CRLF", "white space", "wrapped"],
)
def test_what_editors_do_to_a_file_does_not_matter(disguise):
    key = new_key()

    assert decrypt(disguise(encrypt(PLAIN, key)), key) == PLAIN
    assert decrypt(disguise(version_2("inside first", "sha", key.raw, PLAIN)), key) == PLAIN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cut off"),
        ("AAAA", "cut off"),
        ("codeship:v2", "cut off"),
        ("codeship:v2\n", "cut off"),
        ("codeship:v2\n" + base64.b64encode(b"x" * 47).decode(), "cut off"),
        ("codeship:v3\n" + base64.b64encode(b"x" * 64).decode(), "not an encrypted text"),
        ("A=1\nB=2\n", "not an encrypted text"),
        ("\0" * 100, "not an encrypted text"),
        ("ü" * 100, "not an encrypted text"),
        ("A" * 25, "not an encrypted text"),
        ("A" * (2 * MOST_BYTES), "too large"),
    ],
)
def test_what_is_no_encrypted_text_is_said(text, says):
    with pytest.raises(EncryptionError, match=says):
        decrypt(text, new_key())


def test_too_much_is_not_encrypted():
    with pytest.raises(EncryptionError, match="at most 1024 KiB"):
        encrypt(b"x" * (MOST_BYTES + 1), new_key())


def test_a_key_survives_its_file():
    key = new_key()

    assert len(key.text) == 44
    assert parse_key(key.text) == parse_key("\ufeff" + key.text + "\r\n") == key
    assert key.text not in repr(key)
    assert str(key.raw) not in repr(key)


@pytest.mark.parametrize(
    "text",
    ["", "short", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode(), "é" * 44, "A" * 10**6],
)
def test_what_is_no_key_is_said(text):
    with pytest.raises(EncryptionError, match=r"This is no AES key: codeship\.aes holds"):
        parse_key(text)
