"""`ciservice generate | encrypt | decrypt`: the project's key, and what is encrypted with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ciservice.cli.local.errors import Trouble
from runners.encryption import KEY_FILE, EncryptionError, Key, new_key, parse_key
from runners.encryption import decrypt as opened
from runners.encryption import encrypt as sealed

_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
_key_flag = click.option(
    "--key-path", default=KEY_FILE, show_default=True, type=click.Path(path_type=Path), help="The project's key."
)
_MOST_BYTES = 2 * 1024 * 1024


@click.command()
@_key_flag
def generate(key_path: Path) -> None:
    """Make a new key and write it to codeship.aes, for use on this machine; put it into the project's settings, too."""
    _write(key_path, new_key().text.encode(), private=True, replace=False)
    click.echo(f"{key_path} written. Keep it out of the repository: add it to .gitignore.")


@click.command()
@click.argument("source", metavar="IN", type=_FILE)
@click.argument("target", metavar="OUT", type=_FILE)
@_key_flag
def encrypt(source: Path, target: Path, key_path: Path) -> None:
    """Encrypt the file IN with the project's key and write it to OUT. "-" is standard input or output."""
    key = _key(key_path)
    try:
        _write(target, sealed(_read(source), key).encode(), private=False, replace=True)
    except EncryptionError as error:
        raise Trouble(f"{source}: {error}") from None


@click.command()
@click.argument("source", metavar="IN", type=_FILE)
@click.argument("target", metavar="OUT", type=_FILE)
@_key_flag
def decrypt(source: Path, target: Path, key_path: Path) -> None:
    """Decrypt the file IN with the project's key and write it to OUT. "-" is standard input or output."""
    key = _key(key_path)
    try:
        plain = opened(_read(source).decode(errors="replace"), key)
    except EncryptionError as error:
        raise Trouble(f"{source}: {error}") from None
    _write(target, plain, private=True, replace=True)


def _key(path: Path) -> Key:
    if not path.exists():
        text = f"No AES key provided: there is no {path}. Download it from the project's settings, or make one with"
        raise Trouble(f"{text} `ciservice generate`; --key-path names another file.")
    try:
        return parse_key(_read(path).decode(errors="replace"))
    except EncryptionError as error:
        raise Trouble(f"{path}: {error}") from None


def _read(path: Path) -> bytes:
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}.") from None
    if len(data) > _MOST_BYTES:
        raise Trouble(f"{path}: larger than {_MOST_BYTES // 1024} KiB.")
    return data


def _write(path: Path, data: bytes, *, private: bool, replace: bool) -> None:
    """What is secret is for its owner alone."""
    if str(path) == "-":
        sys.stdout.buffer.write(data)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, flags, 0o600 if private else 0o644), "wb") as file:
            file.write(data)
    except FileExistsError:
        raise Trouble(
            f"{path} is there already: what was encrypted with it would be lost. Move it away first."
        ) from None
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}.") from None
