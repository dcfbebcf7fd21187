"""From a command's flags to a run: what `steps`, `run` and `load` have in common."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from builds.pipeline.make import NATIVE
from builds.pipeline.plan import ConfigError, Plan
from ciservice.cli.local.errors import Trouble
from ciservice.cli.local.files import Files
from ciservice.cli.local.jobs import Wishes, ci_variables, explained, given_variables, warn
from ciservice.cli.local.perform import opened, perform
from ciservice.cli.local.place import executor_settings
from ciservice.cli.local.show import make_printer
from runners.contract import JobSpec, PipelineSpec, ServiceSpec
from runners.executors.config import ExecutorSettings

Flags = Mapping[str, Any]


def run_plan(flags: Flags) -> int:
    """Run the pipelines of a checkout one after another up to the first that does not pass; the exit code."""
    files, wishes = files_of(flags), wishes_of(flags)
    try:
        context = wishes.context()
        plan = files.plan(context)
        # CodeShip's files choose by --tag alone, as `jet` did; a ciservice.yml by the branch that is checked out.
        is_native = plan.source in NATIVE
        if not is_native:
            plan = files.plan(replace(context, tag=flags["tag"] or ""))
        pipelines = _with_generator(chosen(plan, flags["pipeline"]), files, wishes)
    except ConfigError as error:
        raise explained(error) from None
    warn(plan)
    return run_jobs([wishes.job(pipeline, with_git=is_native) for pipeline in pipelines], settings_of(flags))


def run_jobs(jobs: Sequence[JobSpec], settings: ExecutorSettings) -> int:
    """Run them one after another up to the first that does not pass; the exit code."""
    printer = make_printer()
    try:
        with opened(settings) as executor:
            for job in jobs:
                if len(jobs) > 1:
                    printer.say(f"Pipeline {job.pipeline.name}")
                if code := perform(job, executor, printer):
                    return code
        return 0
    finally:
        printer.close()


def services_of(name: str, flags: Flags, wishes: Wishes) -> tuple[ServiceSpec, ...]:
    """A service of codeship-services.yml with all that it needs."""
    files = files_of(flags)
    try:
        services = files.services(name, wishes.context())
        return _with_generator([PipelineSpec(name=name, steps=(), services=services)], files, wishes)[0].services
    except ConfigError as error:
        raise explained(error) from None


def files_of(flags: Flags) -> Files:
    """The files that the flags name. `jet` knows CodeShip's alone."""
    is_jet = click.get_current_context().find_root().command.name == "jet"
    return Files(flags["folder"], flags["services_path"], flags.get("steps_path"), is_jet)


def wishes_of(flags: Flags) -> Wishes:
    """What the flags say of a run."""
    return Wishes(
        folder=flags["folder"],
        key_path=flags["key_path"],
        variables=ci_variables(flags),
        overrides=given_variables(flags.get("variables", ())),
        tag=flags.get("tag"),
        push=flags.get("push", False),
        dockercfg_service=flags["dockercfg_service"],
        encrypted_dockercfg_path=flags["encrypted_dockercfg_path"],
    )


def settings_of(flags: Flags) -> ExecutorSettings:
    """The executor that the flags ask for; --debug lets it tell what it does."""
    if flags["debug"]:
        logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s")
    return executor_settings(flags["executor"], keep=flags["no_remove"], pull_present=flags["pull_if_present"])


def chosen(plan: Plan, name: str) -> list[PipelineSpec]:
    """The pipeline of this name, or all of them in the order of their needs."""
    if not name:
        return _in_order(plan.pipelines)
    found = [pipeline for pipeline in plan.pipelines if pipeline.name == name]
    if not found:
        known = ", ".join(pipeline.name for pipeline in plan.pipelines)
        raise Trouble(f"{plan.source} has no pipeline {name!r} that runs here: it has {known or 'none'}.")
    return found


def _in_order(pipelines: Iterable[PipelineSpec]) -> list[PipelineSpec]:
    """As the file has them, but for those that need others: they come after them."""
    waiting, ordered = list(pipelines), list[PipelineSpec]()
    while waiting:
        open_names = {pipeline.name for pipeline in waiting}
        ready = next((one for one in waiting if not open_names.intersection(one.needs)), waiting[0])
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def _with_generator(pipelines: Iterable[PipelineSpec], files: Files, wishes: Wishes) -> list[PipelineSpec]:
    """The same, with the service that --dockercfg-service names."""
    pipelines = list(pipelines)
    if not wishes.dockercfg_service:
        return pipelines
    further = files.services(wishes.dockercfg_service, wishes.context())
    return [replace(pipeline, services=_merged(pipeline.services, further)) for pipeline in pipelines]


def _merged(services: tuple[ServiceSpec, ...], further: tuple[ServiceSpec, ...]) -> tuple[ServiceSpec, ...]:
    known = {service.name for service in services}
    return (*services, *(service for service in further if service.name not in known))
