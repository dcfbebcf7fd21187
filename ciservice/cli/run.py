"""`ciservice run`: one command in one service, as `jet run` did it; without a service, the whole pipeline."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import Any

import click

from ciservice.cli.flags import Command, ci_flags, env_flags, file_flags, folder_flag, key_flag, run_flags
from ciservice.cli.local.session import run_jobs, run_plan, services_of, settings_of, wishes_of
from ciservice.cli.run_build import build_flags, run_build
from ciservice.cli.steps import pipeline_flags
from runners.contract import PipelineSpec, ServiceSpec, StepSpec


@click.command(cls=Command, context_settings={"allow_interspersed_args": False})
@click.argument("service", default="")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--entrypoint", default=None, help="Instead of the service's own.")
@folder_flag
@file_flags
@pipeline_flags
@key_flag
@env_flags
@ci_flags
@run_flags
@build_flags
def run(service: str, command: tuple[str, ...], entrypoint: str | None, **flags: Any) -> None:
    """Run COMMAND in SERVICE of codeship-services.yml, with the services it needs beside it.

    Without COMMAND the service runs its own until Ctrl-C. Without SERVICE: the whole pipeline, as `steps` does.
    Flags go before SERVICE.
    """
    if flags["build"] and service:
        raise click.UsageError("--build repeats a whole build: leave SERVICE out.")
    if not service:
        sys.exit(run_build(flags) if flags["build"] else run_plan(flags))
    wishes = wishes_of(flags)
    services = tuple(_entered(one, service, entrypoint) for one in services_of(service, flags, wishes))
    step = StepSpec(name=service, service=service, command=command or None)
    job = wishes.job(PipelineSpec(name=service, steps=(step,), services=services), with_git=False)
    sys.exit(run_jobs([job], settings_of(flags)))


def _entered(service: ServiceSpec, name: str, entrypoint: str | None) -> ServiceSpec:
    if service.name != name or entrypoint is None:
        return service
    return replace(service, entrypoint=tuple(shlex.split(entrypoint)))
