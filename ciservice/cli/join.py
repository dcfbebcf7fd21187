"""`ciservice join`: make this machine a runner of an instance, with a token that its page of runners made."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ciservice import env_file

_SECONDS = 20
_MOST_BYTES = 1_000_000
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@click.command()
@click.argument("url")
@click.argument("token")
@click.option("--name", default=socket.gethostname, show_default="host name", help="Must differ between runners.")
@click.option("--labels", default="", metavar="A,B", help="What this machine offers to pipelines that ask for labels.")
@click.option("--capacity", type=click.IntRange(1, 256), default=4, show_default=True, help="Jobs at one time.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=Path("/var/lib/ciservice"),
    show_default=True,
    help="Mirrors and workspaces.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    default=env_file.RUNNER_FILE,
    show_default=True,
    help="Where the settings are written, readable for their owner alone.",
)
def join(url: str, token: str, name: str, labels: str, capacity: int, data_dir: Path, path: Path) -> None:
    """Let this machine run jobs of the instance at URL, with the TOKEN that its page of runners shows."""
    if path.exists():
        raise click.ClickException(f"{path} is there already: this machine has joined. To join anew, move it away.")
    try:
        env_file.check_writable(path)  # before the token is used up
    except OSError as error:
        raise click.ClickException(
            f"{path} cannot be written: {error.strerror}. Be root, or choose another --file."
        ) from error
    answer = _ask(url, {"token": token, "name": name})
    settings = {
        **answer["settings"],
        "SECRET_KEY": secrets.token_urlsafe(48),  # of this machine alone: the instance's stays where it is
        "DATA_DIR": str(data_dir.absolute()),
        "RUNNER_LABELS": labels,
        "RUNNER_CAPACITY": str(capacity),
    }
    try:
        env_file.write(path, settings, heading=f"A runner of {url}, written by ciservice join; secret.")
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path}: {error}. The token is used up: ask for another.") from error
    click.echo(f"{answer['name']} may run jobs of {url}. Its settings are in {path}.")
    _say_what_is_left(settings, path)


def _say_what_is_left(settings: dict[str, str], path: Path) -> None:
    storage = Path(settings.get("STORAGE_DIR", ""))
    if not storage.is_dir():
        click.echo(
            f"Before it starts, mount the instance's storage at {storage} (or change STORAGE_DIR there): logs, artifacts "
            "and caches are kept in it, and the web reads them from it."
        )
    named = "" if path == env_file.RUNNER_FILE else f" --env-file {path}"
    click.echo(f"Start it with: ciservice runner{named}")


def _ask(url: str, asked: dict[str, str]) -> dict[str, Any]:
    """What the instance answers. ClickException with its sentence where it refuses, or ours where it cannot be asked."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        raise click.ClickException(
            f"{url!r} is no address: give the one that people type, such as https://ci.example.com"
        )
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise click.ClickException(f"{url}: what a runner is told is secret, so it is asked for over HTTPS only.")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, parts.port, timeout=_SECONDS)
    try:
        body = json.dumps(asked)
        connection.request("POST", f"{parts.path.rstrip('/')}/runners/join", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(f"{url} cannot be asked: {error}") from error
    finally:
        connection.close()
    return _answer(url, response.status, text)


def _answer(url: str, status: int, text: bytes) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    if status == http.HTTPStatus.OK and isinstance(said, dict) and isinstance(said.get("settings"), dict):
        return said
    errors = said.get("errors") if isinstance(said, dict) else None
    reason = errors[0] if isinstance(errors, list) and errors else f"it answered {status}, as no ciservice would"
    raise click.ClickException(f"{url}: {reason}")
