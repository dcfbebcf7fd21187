"""`ciservice version | update | help`."""

from __future__ import annotations

from importlib.metadata import version as installed

import click


@click.command()
def version() -> None:
    """Say which version this is."""
    click.echo(installed("ciservice"))


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
def update(*, dry_run: bool) -> None:
    """Say how to update: what came with pip is updated with pip."""
    prefix = "Dry run. " if dry_run else ""
    click.echo(f"{prefix}Running version {installed('ciservice')}. It does not update itself: pip install -U ciservice")


@click.command("help")
@click.argument("name", default="")
def help_(name: str) -> None:
    """Say what a command does."""
    context = click.get_current_context().find_root()
    group = context.command
    assert isinstance(group, click.Group)
    if not name:
        click.echo(group.get_help(context))
        return
    command = group.get_command(context, name)
    if command is None:
        raise click.UsageError(f"There is no command {name!r}.", context)
    click.echo(command.get_help(click.Context(command, info_name=name, parent=context)))
