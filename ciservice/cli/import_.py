"""`ciservice import`: the files of another system as a ciservice.yml, with a note for every line that means something else."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from builds.imports.find import SYSTEMS, found_systems, import_files
from builds.imports.notes import Imported
from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, PlanContext
from ciservice.cli.flags import Command, folder_flag
from ciservice.cli.local.errors import FAILED, USAGE

OUTPUT = "ciservice.yml"
LARGEST = 1024 * 1024
_PLACES = (".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", ".circleci/config.yml")


@click.command("import", cls=Command)
@folder_flag
@click.option(
    "--from", "system", type=click.Choice(SYSTEMS), help="Which system's files; needed where several have some."
)
@click.option("--stdout", "to_stdout", is_flag=True, help=f"Print it, and write no {OUTPUT}.")
@click.option("--force", is_flag=True, help=f"Write over a {OUTPUT} that is there.")
def import_(folder: Path, system: str | None, *, to_stdout: bool, force: bool) -> None:
    """Turn GitHub Actions, GitLab CI or CircleCI files into ciservice.yml. Exit code 1 where the result cannot run."""
    files = _read(folder)
    try:
        imported = import_files(system or _only(list(files)), files)
    except KeyError:
        raise click.UsageError(f"{folder} has no files of {system}.") from None
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(FAILED)
    if not imported.text:
        click.echo("There is nothing in it that could be imported.", err=True)
        sys.exit(_report(imported) or FAILED)
    target = folder / OUTPUT
    if to_stdout:
        click.echo(imported.text, nl=False)
    elif target.exists() and not force:
        click.echo(f"{target} is there already: remove it, or use --force or --stdout.", err=True)
        sys.exit(USAGE)
    else:
        target.write_text(imported.text, encoding="utf-8")
        click.echo(f"{target} was written. Check it with: ciservice validate", err=True)
    sys.exit(_report(imported))


def _read(folder: Path) -> dict[str, str]:
    paths = sorted({path for place in _PLACES for path in folder.glob(place)})
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file() and path.stat().st_size <= LARGEST
    }


def _only(paths: list[str]) -> str:
    systems = found_systems(paths)
    if not systems:
        raise click.UsageError(f"Nothing to import: there is no {', '.join(_PLACES[1:])} and no workflow.")
    if len(systems) > 1:
        raise click.UsageError(f"There are files of {' and '.join(systems)}: choose with --from.")
    return systems[0]


def _report(imported: Imported) -> int:
    """The notes, and what the result lacks; the exit code."""
    for note in imported.notes:
        click.echo(str(note), err=True)
    try:
        make({OUTPUT: imported.text}, PlanContext(branch="main", commit="0" * 40))
    except ConfigError as error:
        click.echo(str(error), err=True)
        return FAILED
    return 0
