"""What stops a command here, in a sentence for the person at the keyboard, with the exit code that says whose it is."""

from __future__ import annotations

import click

FAILED, USAGE, BROKEN, INTERRUPTED = 1, 2, 3, 130


class Trouble(click.ClickException):
    """The project's side: a file that cannot be run, a key that is none."""

    exit_code = FAILED

    def show(self, file: object = None) -> None:
        """The sentence, alone."""
        click.echo(f"ciservice: {self.format_message()}", err=True)


class Broken(Trouble):
    """This machine's side: no engine, no disk."""

    exit_code = BROKEN
