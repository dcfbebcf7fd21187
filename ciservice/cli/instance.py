"""Which instance a command of who runs the service is about: that of the environment, or that of `make up` in DATA_DIR."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ciservice import env


def find() -> None:
    """Where the environment names no keys, take those that `ciservice up` keeps in DATA_DIR, if there are any."""
    env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
    if env.secret("SECRET_KEY"):
        return
    folder = Path(env.text("DATA_DIR", "var")).absolute()
    try:
        kept: dict[str, str] = json.loads((folder / "secrets.json").read_text())
    except FileNotFoundError:
        raise click.ClickException(
            f"Set SECRET_KEY and SEALING_KEY as the service has them, or DATA_DIR to the folder of an instance that "
            f"`ciservice up` made: there is no {folder / 'secrets.json'}."
        ) from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{folder / 'secrets.json'} cannot be read: {error}") from None
    for name, value in {"CISERVICE_MODE": "embedded", "DATA_DIR": str(folder), **kept}.items():
        env.put(name, value)
