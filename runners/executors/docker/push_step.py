"""Runs a push step: gets the image of its service, built now where no step did so before, and sends it to a registry."""

from __future__ import annotations

from runners.contract import Outcome, StepResult, StepSpec, Stop
from runners.executors.docker.credentials import access_of
from runners.executors.docker.graph import service_named
from runners.executors.docker.job import Job
from runners.executors.docker.output import StepOutput
from runners.executors.docker.push import Pusher
from runners.executors.docker.registries import host_of, target_of
from runners.verdict import stopped_by


def run_push(job: Job, step: StepSpec, output: StepOutput, stop: Stop) -> StepResult:
    """Block until the image is there; its digest is in the result. SpecError, StepFailed, ImageError."""
    service = service_named(job.services, step.service)
    if step.push is None:
        image = job.image(service, output, stop, step)
        output.say(f"The image of service {service.name} is here: {image.id}")
        return StepResult(outcome=Outcome.PASSED, image_digest=image.digest)
    target = target_of(step.push)
    if step.push.registry.strip() and host_of(step.push.registry) != target.host:
        output.say(f"Warning: image_name says {target.host}; the registry {step.push.registry.strip()} is not used.")
    image = job.image(service, output, stop, step)
    logins = job.credentials.of(access_of(step, service), output, stop)
    login = logins.at(target.host)
    if login is None and logins.by_host:
        known = ", ".join(sorted(logins.by_host))
        output.say(f"Warning: the credentials are for {known}, none for {target.host}: pushing without.")
    if stop.reason is not None:
        return stopped_by(stop.reason)
    output.say(f"Pushing the image of service {service.name} to {target.name}")
    digest = Pusher(job.tools.engine, job.tools.images).push(image.id, target, login, output, stop)
    output.say(f"Pushed {target.name}: {digest}")
    return StepResult(outcome=Outcome.PASSED, image_digest=f"{target.repository}@{digest}")
