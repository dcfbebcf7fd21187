"""`ciservice backup FILE` and `ciservice restore FILE [--verify]`."""

from __future__ import annotations

from pathlib import Path

import click
import django
from django.utils.module_loading import import_string

from ciservice.cli import instance

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


def _call(name: str, *values: object, **options: object) -> object:
    """One of `ciservice.keeping`, once Django is set up; its error as the command's."""
    instance.find()
    django.setup(set_prefix=False)
    failure = import_string("ciservice.keeping.archive.BackupError")
    try:
        return import_string(f"ciservice.keeping.{name}")(*values, lambda line: click.echo(f"  {line}"), **options)
    except failure as error:
        raise click.ClickException(str(error)) from None


@click.command()
@_FILE
def backup(file: Path) -> None:
    """Write database and storage to the new archive FILE, while the service runs. Keep SEALING_KEY elsewhere."""
    _call("backup.backup", file.absolute())
    click.echo(
        f"{file} is whole: {file.stat().st_size // 1024} KiB. It opens only with SEALING_KEY, which is not in it."
    )


@click.command()
@_FILE
@click.option("--verify", is_flag=True, help="Only prove that it is whole and would open here; change nothing.")
@click.option("--replace", is_flag=True, help="Put it in the place of an instance that is there.")
def restore(file: Path, *, verify: bool, replace: bool) -> None:
    """Make this instance what the archive FILE says. Stop the service first."""
    if not file.exists():
        raise click.ClickException(f"{file} is not there.")
    if verify:
        _call("restore.verify", file.absolute())
        click.echo(f"{file} is whole and opens here.")
        return
    _call("restore.restore", file.absolute(), replace=replace)
    click.echo("Restored. Start the service; jobs that ran at the time of the backup run again.")
