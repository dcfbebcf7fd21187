"""`ciservice web | worker | runner | beat`: the processes of the production form, one each."""

from __future__ import annotations

import click

from ciservice import processes


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
def runner() -> None:
    """Claims jobs and runs them on this machine."""
    processes.runner()


@click.command()
def beat() -> None:
    """Celery's clock: rings the periodic bells. One is enough; two do no harm."""
    processes.beat()
