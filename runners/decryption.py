"""Opens what a repository keeps encrypted, with errors that name the file and the remedy."""

from __future__ import annotations

from pathlib import Path

from runners.encryption import WRONG_CHECKSUM, ChecksumError, EncryptionError, decrypt, parse_key
from runners.environment import parse_env_file, read_checkout_file
from runners.errors import SpecError

_REMEDY = "put the project's codeship.aes into its settings (on your own machine: into this folder, or name it with --key-path)"
NO_KEY = f"No AES key provided: {{what}} is encrypted, and this build has no key. If it is not a fork's, {_REMEDY}."
_NOT_TEXT = "environment contains non-utf8 characters:"
_OTHER_KEY = f"The key is not the one that it was encrypted with: {_REMEDY}."


def open_file(checkout: Path, name: str, key: str) -> bytes:
    """What an encrypted file of the checkout says; `key` as codeship.aes has it. SpecError."""
    return open_sealed(read_checkout_file(checkout, name), key, name)


def open_sealed(text: str, key: str, what: str) -> bytes:
    """What a ciphertext says; `what` names it in errors. SpecError where there is no key, or where it does not open it."""
    if not key:
        raise SpecError(NO_KEY.format(what=what))
    try:
        return decrypt(text, parse_key(key))
    except ChecksumError:
        raise SpecError(f"{what}: {WRONG_CHECKSUM}. {_OTHER_KEY}") from None
    except EncryptionError as error:
        raise SpecError(f"{what}: {error}") from None


def variables_of(plain: bytes, what: str) -> dict[str, str]:
    """The KEY=value lines of a plaintext. SpecError in CodeShip's words where it is noise: a wrong key for version 1."""
    try:
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if any(ord(sign) < 32 and sign not in "\t\n\r\x1b" for sign in text):
        raise SpecError(f"error loading encrypted environment file {what}: {_NOT_TEXT} {_OTHER_KEY}")
    return parse_env_file(text)
