"""`--build NUMBER` of `run` and `steps`: a build of the server once more, on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click
from pydantic import ValidationError

from builds.pipeline.plan import plan_from_json
from ciservice.cli.flags import joined
from ciservice.cli.local.clean import checkout_of
from ciservice.cli.local.errors import Trouble
from ciservice.cli.local.jobs import Wishes, warn
from ciservice.cli.local.server import Server
from ciservice.cli.local.session import chosen, run_jobs, settings_of, wishes_of

build_flags = joined(
    click.option("--build", type=click.IntRange(min=1), help="Repeat this build of the server, by its number."),
    click.option("--server", default="", metavar="URL", envvar="CISERVICE_URL", help="The server of --build."),
    click.option("--token", default="", metavar="TEXT", envvar="CISERVICE_TOKEN", help="Your token there."),
    click.option("--project", default="", metavar="UUID", help="The project of --build; else that of git's remotes."),
)


def run_build(flags: Mapping[str, Any]) -> int:
    """Run the plan of that build on a clean checkout of its commit; the exit code."""
    server = Server(url=flags["server"], token=flags["token"])
    found = server.plan_of(flags["build"], flags["project"], flags["folder"])
    try:
        plan = plan_from_json(found["plan"])
        commit, variables = str(found["commit_sha"]), {str(name): str(of) for name, of in found["variables"].items()}
    except (ValidationError, KeyError, AttributeError):
        raise Trouble(f"{server.url} is of another version: this one cannot read its plan.") from None
    warn(plan)
    with checkout_of(commit, flags["folder"]) as folder:
        wishes = _as_there(wishes_of(flags), variables)
        wishes = replace(wishes, folder=folder)
        jobs = [wishes.job(pipeline, with_git=True) for pipeline in chosen(plan, flags["pipeline"])]
        return run_jobs(jobs, settings_of(flags))


def _as_there(wishes: Wishes, variables: Mapping[str, str]) -> Wishes:
    """With the build's variables, before which flags go; the key is no part of a commit, and stays where it is."""
    key = (wishes.folder / wishes.key_path).absolute()
    return replace(wishes, key_path=key, variables={**variables, **wishes.variables})
