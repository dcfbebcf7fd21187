"""`ciservice manage ...`: Django's own commands (migrate, createsuperuser, shell)."""

from __future__ import annotations

import click
from django.core.management import execute_from_command_line

from ciservice import env


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def manage(arguments: tuple[str, ...]) -> None:
    """Django's own commands: migrate, createsuperuser, shell, check --deploy."""
    env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
    execute_from_command_line(["ciservice manage", *arguments])
