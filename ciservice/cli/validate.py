"""`ciservice validate`: read the configuration as a build would, and say everything that is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from builds.pipeline.make import CANDIDATES, make
from builds.pipeline.plan import ConfigError, PlanContext

LARGEST = 1024 * 1024


@click.command()
@click.option(
    "--dir", "folder", default=".", show_default=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--branch", default="main", show_default=True, help="The branch or tag that filters are matched against.")
def validate(folder: Path, branch: str) -> None:
    """Check ciservice.yml, or codeship-steps.yml with codeship-services.yml. Exit code 1 where it cannot run."""
    files = {name: text for name in CANDIDATES if (text := _read(folder / name)) is not None}
    try:
        plan = make(files, PlanContext(branch=branch, commit="0" * 40))
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(1)
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{plan.source}: {len(plan.pipelines)} pipeline(s), {len(plan.deployments)} environment(s)")


def _read(path: Path) -> str | None:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return None
    return path.read_text(encoding="utf-8", errors="replace")
