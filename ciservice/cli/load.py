"""`ciservice load`: build or pull a service's image, as `jet load` did it."""

from __future__ import annotations

import sys
from typing import Any

import click

from ciservice.cli.flags import Command, ci_flags, folder_flag, key_flag, run_flags, services_flag
from ciservice.cli.local.session import run_jobs, services_of, settings_of, wishes_of
from runners.contract import PipelineSpec, StepKind, StepSpec


@click.command(cls=Command)
@click.argument("service")
@folder_flag
@services_flag
@key_flag
@ci_flags
@run_flags
def load(service: str, **flags: Any) -> None:
    """Build the image of SERVICE in codeship-services.yml, or pull it; nothing is run."""
    wishes = wishes_of(flags)
    services = services_of(service, flags, wishes)
    step = StepSpec(name=service, kind=StepKind.PUSH, service=service)
    job = wishes.job(PipelineSpec(name=service, steps=(step,), services=services), with_git=False)
    sys.exit(run_jobs([job], settings_of(flags)))
