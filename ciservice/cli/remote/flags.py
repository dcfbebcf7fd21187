"""The flags and arguments that the commands which speak to a server share."""

from __future__ import annotations

import click

from ciservice.cli.flags import Command
from ciservice.cli.remote.complete import complete_project
from ciservice.cli.remote.credentials import login_of
from ciservice.cli.remote.http import Api

__all__ = ["Command", "api_of", "instance_flag", "json_flag", "project_argument", "project_flag"]

instance_flag = click.option(
    "--instance",
    default="",
    metavar="NAME",
    help="Which login; else the default, or CISERVICE_URL and CISERVICE_TOKEN.",
)
json_flag = click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
project_argument = click.argument("project", default="", shell_complete=complete_project)
project_flag = click.option(
    *("-p", "--project"),
    default="",
    help="Name or uuid; else that of git's remotes here.",
    shell_complete=complete_project,
)


def api_of(instance: str) -> Api:
    """The server that is meant."""
    login = login_of(instance)
    return Api(login.url, login.token)
