"""`ciservice logs` and `ciservice trigger`: what builds print, and how they end."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from ciservice.cli.local.errors import INTERRUPTED
from ciservice.cli.local.show import Plain, Screen
from ciservice.cli.remote.finding import Place, build_at, project_at
from ciservice.cli.remote.flags import Command, api_of, instance_flag, json_flag, project_argument, project_flag
from ciservice.cli.remote.following import Following, ForPeople, ForPrograms, Sink, exit_code_of
from ciservice.cli.remote.tables import show_json


@click.command(cls=Command)
@click.argument("build", default="")
@click.argument("step", default="")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on until the build ends; its exit code is then that of the build."
)
@project_flag
@instance_flag
@click.option("--json", "as_json", is_flag=True, help="A JSON document for each line.")
def logs(build: str, step: str, *, follow: bool, project: str, instance: str, as_json: bool) -> None:
    """Print the logs of BUILD (a number or uuid; else the newest), of all its steps or of STEP alone.

    With --follow: exit code 0: passed. 1: not passed. 5: it waits for a person's approval. Ctrl-C ends the following, and
    nothing else.
    """
    place = project_at(api_of(instance), project)
    found = build_at(place, build)
    sys.exit(show_logs(place, str(found["uuid"]), step=step, follow=follow, as_json=as_json))


@click.command(cls=Command)
@project_argument
@click.option("--branch", default="", help="Or a tag: tags/v1. Default: the project's default branch.")
@click.option("--commit", default="", help="The whole commit id. Default: the newest of the branch.")
@click.option("--pipeline", "pipelines", multiple=True, help="This pipeline alone, and no deployment; any number.")
@click.option("-f", "--follow", is_flag=True, help="Print its logs; the exit code is then that of the build.")
@instance_flag
@json_flag
def trigger(
    project: str, branch: str, commit: str, pipelines: tuple[str, ...], instance: str, *, follow: bool, as_json: bool
) -> None:
    """Start a build of PROJECT, or of the project whose repository is a git remote here."""
    place = project_at(api_of(instance), project)
    branch = branch or str(place.project["default_branch"])
    ref = branch if branch.startswith(("tags/", "heads/", "refs/")) else f"heads/{branch}"
    asked = {"ref": ref, "commit_sha": commit, "pipelines": list(pipelines)}
    build = place.api.post(f"{place.base}/builds", asked)["build"]
    if follow:
        if not as_json:
            click.echo(f"Build #{build['number']} of {branch}: {build['url']}", err=True)
        sys.exit(show_logs(place, str(build["uuid"]), step="", follow=True, as_json=as_json))
    if as_json:
        show_json(build)
    else:
        click.echo(f"Build #{build['number']} of {branch}: {build['url']}")


def show_logs(place: Place, uuid: str, *, step: str, follow: bool, as_json: bool) -> int:
    """Print them; the exit code."""
    sink: Sink = ForPrograms() if as_json else ForPeople(_screen())
    following = Following(place, uuid, sink, step)
    try:
        return exit_code_of(following.to_the_end()) if follow else _printed(following)
    except KeyboardInterrupt:
        sink.stop()
        click.echo("\nThe build goes on; this only stopped looking.", err=True)
        return INTERRUPTED


def _printed(following: Following) -> int:
    following.as_it_is()
    return 0


def _screen() -> Screen:
    if sys.stdout.isatty():
        # Only here: it takes longer to load than all the rest.
        screen: Screen = import_module("ciservice.cli.local.rich_screen").RichScreen()
        return screen
    return Plain(sys.stdout)
