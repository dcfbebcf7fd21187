"""`ciservice steps`: the whole pipeline of a checkout on this machine, as `jet steps` ran it."""

from __future__ import annotations

import sys
from typing import Any

import click

from ciservice.cli.flags import Command, ci_flags, env_flags, file_flags, folder_flag, joined, key_flag, run_flags
from ciservice.cli.local.session import run_plan
from ciservice.cli.run_build import build_flags, run_build

pipeline_flags = joined(
    click.option("--tag", default=None, help="The branch or tag that `tag` and `exclude` are matched against."),
    click.option("--push", is_flag=True, help="Run push steps, too."),
    click.option("--pipeline", default="", metavar="NAME", help="This pipeline of a ciservice.yml alone."),
)


@click.command(cls=Command)
@folder_flag
@file_flags
@pipeline_flags
@key_flag
@env_flags
@ci_flags
@run_flags
@build_flags
def steps(**flags: Any) -> None:
    """Run the steps of ciservice.yml or CodeShip's files here, as a build would.

    Without --tag, steps that have a `tag` are left out; without --push, push steps are. Exit code 1: a step failed;
    3: this machine's side broke.
    """
    sys.exit(run_build(flags) if flags["build"] else run_plan(flags))
