"""`ciservice validate`: read the configuration as a build would, and say everything that is wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from builds.pipeline.plan import ConfigError, Plan, PlanContext, Problem, plan_to_json
from ciservice.cli.flags import Command, debug_flag, file_flags, folder_flag
from ciservice.cli.local.errors import FAILED
from ciservice.cli.local.files import Files


@click.command(cls=Command)
@folder_flag
@file_flags
@click.option("--branch", default="main", show_default=True, help="The branch or tag that filters are matched against.")
@click.option("--json", "as_json", is_flag=True, help="Errors and warnings for machines, on standard output.")
@debug_flag
def validate(
    folder: Path, services_path: Path | None, steps_path: Path | None, branch: str, *, as_json: bool, debug: bool
) -> None:
    """Check ciservice.yml, or codeship-steps.yml with codeship-services.yml. Exit code 1 where it cannot run."""
    is_jet = click.get_current_context().find_root().command.name == "jet"
    files = Files(folder, services_path, steps_path, is_jet)
    try:
        plan = files.plan(PlanContext(branch=branch, commit="0" * 40))
    except ConfigError as error:
        _tell(error.problems, None, as_json=as_json)
        sys.exit(FAILED)
    _tell((), plan, as_json=as_json)
    if debug:
        click.echo(json.dumps(plan_to_json(plan), indent=2))


def _tell(errors: Iterable[Problem], plan: Plan | None, *, as_json: bool) -> None:
    warnings = plan.warnings if plan else ()
    if as_json:
        report = {
            "source": plan.source if plan else None,
            "errors": [asdict(error) for error in errors],
            "warnings": [asdict(warning) for warning in warnings],
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    for error in errors:
        click.echo(str(error), err=True)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if plan:
        click.echo(f"{plan.source}: {len(plan.pipelines)} pipeline(s), {len(plan.deployments)} environment(s)")
