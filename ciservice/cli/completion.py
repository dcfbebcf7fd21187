"""`ciservice completion`: what a shell needs to complete commands, flags and names of projects."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ciservice.cli.flags import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    bash: eval "$(ciservice completion bash)" in ~/.bashrc. zsh: the same in ~/.zshrc, after compinit. fish: ciservice
    completion fish > ~/.config/fish/completions/ciservice.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "ciservice", "_CISERVICE_COMPLETE").source())
