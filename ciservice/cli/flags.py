"""The flags that several commands have, spelt as `jet` spelt them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., object])
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)
_SET = re.compile(r"(--[a-z-]+)=(true|t|1|false|f|0)", re.IGNORECASE)

# The variable that each flag sets, and what the flag says of it.
CI_FLAGS: Mapping[str, tuple[str, str]] = {
    "--ci-branch": ("CI_BRANCH", "Branch."),
    "--ci-build-id": ("CI_BUILD_ID", "Build."),
    "--ci-commit-description": ("CI_COMMIT_DESCRIPTION", "What git describe calls the commit."),
    "--ci-commit-id": ("CI_COMMIT_ID", "Commit."),
    "--ci-commit-message": ("CI_COMMIT_MESSAGE", "Its message."),
    "--ci-committer-email": ("CI_COMMITTER_EMAIL", "Who made it."),
    "--ci-committer-name": ("CI_COMMITTER_NAME", "Who made it."),
    "--ci-committer-username": ("CI_COMMITTER_USERNAME", "Who made it."),
    "--ci-project-id": ("CI_PROJECT_ID", "Project."),
    "--ci-repo-name": ("CI_REPO_NAME", "Repository, as owner/name."),
}


class Command(click.Command):
    """A command whose switches may also be given as --switch=true and --switch=false, as `jet` took them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the switches into click's form; what stands behind a bare `--` is left alone."""
        switches = {name for item in self.params if getattr(item, "is_flag", False) for name in item.opts}
        until = args.index("--") if "--" in args else len(args)
        plain = [word for arg in args[:until] for word in _plain(arg, switches)]
        return super().parse_args(ctx, plain + args[until:])


def _plain(arg: str, switches: set[str]) -> list[str]:
    found = _SET.fullmatch(arg)
    if found is None or found[1] not in switches:
        return [arg]
    return [found[1]] if found[2].lower() in {"true", "t", "1"} else []


def joined(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Several options as one decorator, in the order of the help text."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


folder_flag = click.option(
    "--dir", "folder", default=".", show_default=True, type=_FOLDER, help="The checkout to work in."
)
key_flag = click.option(
    "--key-path", default="codeship.aes", show_default=True, type=_PATH, help="The project's key, relative to --dir."
)
debug_flag = click.option("--debug", is_flag=True, help="Say more about what is done.")
services_flag = click.option("--services-path", type=_PATH, help="Instead of codeship-services.yml, relative to --dir.")
steps_flag = click.option("--steps-path", type=_PATH, help="Instead of codeship-steps.yml, relative to --dir.")
file_flags = joined(services_flag, steps_flag)
run_flags = joined(
    click.option("--dockercfg-service", default="", metavar="SERVICE", help="Generates registry credentials."),
    click.option(
        "--encrypted-dockercfg-path",
        default="",
        metavar="PATH",
        help="Registry credentials, encrypted, in the checkout.",
    ),
    click.option("--no-remove", is_flag=True, help="Keep containers when they have ended."),
    click.option("--pull-if-present", is_flag=True, help="Pull images that are here already, too."),
    click.option(
        "--executor",
        type=click.Choice(["docker", "process"]),
        default="docker",
        show_default=True,
        help="process: as commands of this machine; for ciservice.yml only.",
    ),
    debug_flag,
)
env_flags = joined(
    click.option("-e", "--env", "variables", multiple=True, metavar="NAME=VALUE", help="Set it in every container."),
    click.option("-T", "--no-tty", is_flag=True, help="Steps never get a terminal: for scripts that say so."),
)
ci_flags = joined(
    *(
        click.option(flag, default=None, metavar="TEXT", help=f"{about} Sets {name}.")
        for flag, (name, about) in CI_FLAGS.items()
    )
)
