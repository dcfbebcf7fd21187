"""CodeShip's encryption: the project's key (codeship.aes), and the two formats of encrypted files. Pure functions.

Version 1 is base64(IV || AES-256-CFB(plaintext)), with nothing that tells a wrong key. Version 2 begins with a line that
says so and carries a digest of 32 bytes; where it lies and what it covers was never published, so that every arrangement
is tried: none fits by chance. Written is version 1, which every `jet` reads.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

KEY_FILE = "codeship.aes"
MOST_BYTES = 1024 * 1024  # of one encrypted text
WRONG_CHECKSUM = "checksum for decrypted data is invalid, corrupt AES key or data"
_MOST_KEY_CHARACTERS = 4096
_HEADER = "codeship:v2"
_KEY_BYTES, _IV_BYTES, _DIGEST_BYTES = 32, 16, 32


class EncryptionError(Exception):
    """A key or an encrypted text that is none: the text says why, for people."""


class ChecksumError(EncryptionError):
    """A text of version 2 that this key does not open, or that was changed."""


@dataclass(frozen=True)
class Key:
    """A project's key."""

    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """What codeship.aes holds."""
        return base64.b64encode(self.raw).decode()


def new_key() -> Key:
    """A key that nobody has."""
    return Key(secrets.token_bytes(_KEY_BYTES))


def parse_key(text: str) -> Key:
    """The key that codeship.aes holds: 32 bytes in base64, white space around it does not matter. EncryptionError."""
    if len(text) <= _MOST_KEY_CHARACTERS:
        try:
            raw = base64.b64decode("".join(text.removeprefix("\ufeff").split()), validate=True)
        except ValueError:
            raw = b""
        if len(raw) == _KEY_BYTES:
            return Key(raw)
    raise EncryptionError(f"This is no AES key: {KEY_FILE} holds one line of 44 characters, 32 bytes in base64.")


def encrypt(plain: bytes, key: Key) -> str:
    """The text of version 1, in one line without its end."""
    if len(plain) > MOST_BYTES:
        raise EncryptionError(f"Too large to encrypt: at most {MOST_BYTES // 1024} KiB.")
    iv = secrets.token_bytes(_IV_BYTES)
    encryptor = Cipher(AES(key.raw), CFB(iv)).encryptor()
    return base64.b64encode(iv + encryptor.update(plain) + encryptor.finalize()).decode()


def decrypt(text: str, key: Key) -> bytes:
    """What an encrypted text of either version says. EncryptionError where it is damaged, ChecksumError.

    A wrong key for a text of version 1 cannot be told here: what comes out is noise.
    """
    stripped = text.removeprefix("\ufeff").strip()
    is_signed = stripped.split("\n", 1)[0].strip() == _HEADER
    sealed = _decode(stripped.removeprefix(_HEADER) if is_signed else stripped)
    if not is_signed:
        return _open(key, sealed[:_IV_BYTES], sealed[_IV_BYTES:])
    if len(sealed) < _IV_BYTES + _DIGEST_BYTES:
        raise EncryptionError("It is cut off: too short for an encrypted text of version 2.")
    for plain in _verified(key, sealed):
        return plain
    raise ChecksumError(WRONG_CHECKSUM)


def _decode(text: str) -> bytes:
    """The bytes of a base64 text, which may be wrapped."""
    if len(text) > MOST_BYTES * 3 // 2:
        raise EncryptionError(f"It is too large: at most {MOST_BYTES // 1024} KiB.")
    try:
        sealed = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        raise EncryptionError(
            "It is not an encrypted text: that is base64, after the line codeship:v2 or alone."
        ) from None
    if len(sealed) < _IV_BYTES:
        raise EncryptionError("It is cut off: too short for an encrypted text.")
    return sealed


def _open(key: Key, iv: bytes, sealed: bytes) -> bytes:
    decryptor = Cipher(AES(key.raw), CFB(iv)).decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


def _verified(key: Key, sealed: bytes) -> Iterator[bytes]:
    """The plaintext of every arrangement whose digest is right."""
    iv, rest = sealed[:_IV_BYTES], sealed[_IV_BYTES:]
    inside = _open(key, iv, rest)
    digest_first, digest_last = slice(None, _DIGEST_BYTES), slice(-_DIGEST_BYTES, None)
    for digest, plain in (
        (inside[digest_first], inside[_DIGEST_BYTES:]),
        (inside[digest_last], inside[:-_DIGEST_BYTES]),
    ):
        if _fits(digest, _digests_of_plain(key, plain)):
            yield plain
    after_digest = sealed[_DIGEST_BYTES:]
    for digest, its_iv, body in (
        (rest[digest_first], iv, rest[_DIGEST_BYTES:]),
        (rest[digest_last], iv, rest[:-_DIGEST_BYTES]),
        (sealed[digest_first], after_digest[:_IV_BYTES], after_digest[_IV_BYTES:]),
    ):
        plain = _open(key, its_iv, body)
        expected = [*_digests_of_plain(key, plain), *_keyed_digests_of_sealed(key, its_iv, body)]
        if _is_text(plain):  # without a key in it, a digest tells a changed text, but not a wrong key: noise
            expected += [_sha256(body), _sha256(its_iv + body)]
        if _fits(digest, expected):
            yield plain


def _digests_of_plain(key: Key, plain: bytes) -> tuple[bytes, ...]:
    return (
        _sha256(plain),
        hmac.digest(key.raw, plain, "sha256"),
        hmac.digest(key.text.encode(), plain, "sha256"),
        _sha256(key.raw + plain),
        _sha256(plain + key.raw),
    )


def _keyed_digests_of_sealed(key: Key, iv: bytes, body: bytes) -> tuple[bytes, ...]:
    return hmac.digest(key.raw, body, "sha256"), hmac.digest(key.raw, iv + body, "sha256")


def _is_text(plain: bytes) -> bool:
    try:
        return "\0" not in plain.decode()
    except UnicodeDecodeError:
        return False


def _fits(digest: bytes, expected: Iterable[bytes]) -> bool:
    return any(hmac.compare_digest(digest, one) for one in expected)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
