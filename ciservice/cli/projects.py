"""`ciservice projects` and `ciservice builds`: lists."""

from __future__ import annotations

import click

from ciservice.cli.remote.finding import every_project, project_at
from ciservice.cli.remote.flags import Command, api_of, instance_flag, json_flag, project_argument
from ciservice.cli.remote.tables import ago, show_json, show_table, took


@click.command(cls=Command)
@instance_flag
@json_flag
def projects(instance: str, *, as_json: bool) -> None:
    """The projects that you see, by organisation and name."""
    found = list(every_project(api_of(instance)))
    if as_json:
        show_json([{**project, "organization": of["name"]} for of, project in found])
        return
    rows = [(of["name"], one["name"], one["type"], one["default_branch"], one["repository_url"]) for of, one in found]
    head = ("organisation", "project", "type", "branch", "repository")
    show_table(head, rows, otherwise="There is no project that you may see.")


@click.command(cls=Command)
@project_argument
@click.option("--branch", default="", help="Of this branch alone.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many to look at.")
@instance_flag
@json_flag
def builds(project: str, branch: str, limit: int, instance: str, *, as_json: bool) -> None:
    """The newest builds of PROJECT, or of the project whose repository is a git remote here."""
    place = project_at(api_of(instance), project)
    found = [
        build for build in place.api.pages(f"{place.base}/builds", "builds", limit) if branch in {"", build["branch"]}
    ]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            build["number"],
            build["state"],
            build["branch"],
            build["commit_sha"][:8],
            (build["commit_message"].splitlines() or [""])[0][:60],
            build["username"],
            took(build["allocated_at"], build["finished_at"]),
            ago(build["queued_at"]),
        )
        for build in found
    ]
    head = ("#", "state", "branch", "commit", "message", "by", "took", "asked for")
    show_table(head, rows, otherwise=f"{place.name} has no such build yet.")
