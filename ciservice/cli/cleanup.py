"""`ciservice cleanup`: removes what runs on this machine left behind, such as those that were killed."""

from __future__ import annotations

import click

from ciservice.cli.flags import debug_flag
from ciservice.cli.local.perform import opened
from ciservice.cli.local.place import executor_settings, is_running


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@debug_flag
def cleanup(*, dry_run: bool, debug: bool) -> None:
    """Remove containers, networks, volumes and folders that runs here left behind; those that run now are kept."""
    left: set[str] = set()

    def is_kept(job_id: str, epoch: int) -> bool:
        if is_running(job_id, epoch):
            return True
        left.add(f"ci-{job_id}-{epoch}")
        return dry_run

    with opened(executor_settings("docker")) as executor:
        gone = executor.sweep(is_kept)
    for name in sorted(left):
        if dry_run or debug:
            click.echo(f'{"Would remove" if dry_run else "Removed"} what belongs to "/{name}"')
    if not dry_run:
        click.echo(f"Removed {gone} containers, networks, volumes and folders.")
    elif not left:
        click.echo("Nothing to remove.")
