"""`ciservice web | worker | runner | beat`: the processes of the production form, one each."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ciservice import env, env_file, processes


@click.command()
@click.option(
    "--bind", default="0.0.0.0:8000", show_default=True, envvar="BIND", help="Address and port, or unix:/path."
)
@click.option("--workers", default=2, show_default=True, envvar="WEB_WORKERS", help="Processes that answer.")
def web(bind: str, workers: int) -> None:
    """Pages, webhooks and API, behind gunicorn's ASGI worker."""
    processes.web(bind=bind, workers=workers)


@click.command()
@click.option("--threads", default=4, show_default=True, envvar="WORKER_THREADS", help="Tasks at one time.")
def worker(threads: int) -> None:
    """Plans builds, sweeps, and sends what leaves the house."""
    processes.worker(threads=threads)


@click.command()
@click.option(
    "--env-file",
    "path",
    type=click.Path(path_type=Path),
    default=None,
    help=f"Settings of this machine. Default: {env_file.RUNNER_FILE}, where `ciservice join` wrote it.",
)
def runner(path: Path | None) -> None:
    """Claims jobs and runs them on this machine."""
    _read_settings(path)
    processes.runner()


def _read_settings(path: Path | None) -> None:
    """Take what the file sets and the environment does not."""
    if path is None and not os.access(env_file.RUNNER_FILE, os.R_OK):
        return
    try:
        found = env_file.read(path or env_file.RUNNER_FILE)
    except OSError as error:
        raise click.ClickException(f"{path or env_file.RUNNER_FILE}: {error.strerror}") from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for name, value in found.items():
        env.put(name, value)


@click.command()
def beat() -> None:
    """Celery's clock: rings the periodic bells. One is enough; two do no harm."""
    processes.beat()
