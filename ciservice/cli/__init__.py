"""The `ciservice` command. Light to import: a command loads what it needs when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

# Of a person's own machine: no server, no settings. `jet` has the same.
LOCAL = {
    "steps": "steps",
    "run": "run",
    "load": "load",
    "validate": "validate",
    "encrypt": "keys",
    "decrypt": "keys",
    "generate": "keys",
    "cleanup": "cleanup",
    "version": "version",
    "update": "version",
    "help": "version",
}
# Of a person's own machine, too, and of a server that they name.
REMOTE = {
    "login": "login",
    "logout": "login",
    "projects": "projects",
    "builds": "projects",
    "logs": "logs",
    "trigger": "logs",
    "deploy": "deploy",
    "rollback": "deploy",
    "completion": "completion",
}
COMMANDS = {
    "up": "ciservice.cli.up",
    "web": "ciservice.cli.serve",
    "worker": "ciservice.cli.serve",
    "runner": "ciservice.cli.serve",
    "beat": "ciservice.cli.serve",
    "join": "ciservice.cli.join",
    "manage": "ciservice.cli.manage",
    "backup": "ciservice.cli.backup",
    "restore": "ciservice.cli.backup",
    "rotate-keys": "ciservice.cli.rotate_keys",
    "schema": "ciservice.cli.schema",
    "import": "ciservice.cli.import_",
    **{name: f"ciservice.cli.{module}" for name, module in (LOCAL | REMOTE).items()},
}

_NOT_NAMES = frozenset({"help", "import"})  # Python has them already


class Commands(click.Group):
    """Finds a command's module when it is asked for, so that `ciservice validate` does not load a web service."""

    table: Mapping[str, str] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None."""
        if cmd_name not in self.table:
            return None
        name = f"{cmd_name}_" if cmd_name in _NOT_NAMES else cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(self.table[cmd_name]), name)
        return command


class JetCommands(Commands):
    """Those that `jet` had."""

    table = {name: COMMANDS[name] for name in LOCAL}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ciservice")
def main() -> None:
    """A CI/CD service that teams host themselves."""


@click.group("jet", cls=JetCommands, context_settings={"help_option_names": ["-h", "--help"]})
def jet() -> None:
    """CodeShip's `jet`, for scripts and Makefiles that call it: the same commands as `ciservice`."""
