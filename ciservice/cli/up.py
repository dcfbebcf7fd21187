"""`ciservice up`: everything on this machine, for a first look and for small teams."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ciservice.embedded.place import CannotStart, Place
from ciservice.embedded.start import start


@click.command()
@click.option("--port", default=8000, show_default=True, envvar="PORT", type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, envvar="HOST")
@click.option("--data-dir", default="var", show_default=True, envvar="DATA_DIR", type=click.Path(path_type=Path))
def up(port: int, host: str, data_dir: Path) -> None:
    """Start everything on this machine: pages, worker, runner, Redis, SQLite and a demo project."""
    try:
        start(Place(data_dir=data_dir.absolute(), host=host, port=port))
    except CannotStart as error:
        click.echo(f"ciservice: {error}", err=True)
        sys.exit(1)
