"""The `ciservice` command. Light to import: a command loads what it needs when it runs."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "up": "ciservice.cli.up",
    "web": "ciservice.cli.serve",
    "worker": "ciservice.cli.serve",
    "runner": "ciservice.cli.serve",
    "beat": "ciservice.cli.serve",
    "manage": "ciservice.cli.manage",
    "validate": "ciservice.cli.validate",
}


class Commands(click.Group):
    """Finds a command's module when it is asked for, so that `ciservice validate` does not load a web service."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ciservice")
def main() -> None:
    """A CI/CD service that teams host themselves."""
