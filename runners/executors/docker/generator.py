"""Runs a `dockercfg_service`: a container that is told one path, and writes a registry's credentials there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from runners.contract import Outcome, StepResult, StepSpec
from runners.environment import read_checkout_file
from runners.errors import SpecError
from runners.executors.docker.folders import remove_folder
from runners.executors.docker.job import Job
from runners.executors.docker.output import StepOutput
from runners.executors.docker.verdict import StepFailed

FILE = "dockercfg"

RunStep = Callable[[Job, StepSpec], StepResult]


def generate(job: Job, service: str, output: StepOutput, run: RunStep) -> bytes:
    """What the service wrote; the file is gone afterwards. StepFailed where it did not pass, SpecError without a file."""
    folder = job.folder / f"credentials-{secrets.token_hex(16)}"  # others who pass through cannot guess it
    folder.mkdir()
    try:
        folder.chmod(0o777)  # the container may run as anybody
        lending = replace(job, spec=replace(job.spec, folders=(*job.spec.folders, folder)))
        output.say(f"Running service {service} for a registry's credentials")
        step = StepSpec(name=service, service=service, command=(str(folder / FILE),))
        result = run(lending, step)
        if result.outcome is not Outcome.PASSED:
            reason = f"The service {service}, which makes a registry's credentials, did not pass: {result.reason}"
            raise StepFailed(replace(result, reason=reason))
        try:
            return read_checkout_file(folder, FILE).encode()
        except SpecError:
            raise SpecError(
                f"dockercfg_service: the service {service} ended without writing the credentials to the path that is"
                " its only argument."
            ) from None
    finally:
        remove_folder(job.tools, folder)
