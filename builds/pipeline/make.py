"""The door of the package: the texts at a commit in, what is to be run out."""

from __future__ import annotations

from collections.abc import Mapping

from builds.pipeline import codeship, native
from builds.pipeline.plan import ConfigError, Plan, PlanContext, Problem
from runners.contract import Unreadable

NATIVE = ("ciservice.yml", "ciservice.yaml")
SETTINGS = "project settings"

CANDIDATES: tuple[str, ...] = (*NATIVE, *codeship.CANDIDATES)
"""Files to read at the commit, in the order of discovery; those that exist there are handed to `make`."""


def make(files: Mapping[str, str | Unreadable], context: PlanContext, *, kept: str = "") -> Plan:
    """The plan for a push.

    `files`: path in the repository -> its text, for those of CANDIDATES that the commit has; one that cannot be read
    matters only where it is the one to use. `kept`: the ciservice.yml that the project's settings stand for, used
    where the commit has no configuration. Raises ConfigError with every problem at once; what can be run in spite
    of it is in `Plan.warnings`.
    """
    for name in NATIVE:
        if name in files:
            return native.make_plan(files[name], name, context)
    if steps_file := codeship.find_steps(files):
        return codeship.make_plan(files, steps_file, context)
    if kept:
        return native.make_plan(kept, SETTINGS, context)
    raise ConfigError([_nothing_found(files)])


def _nothing_found(files: Mapping[str, str | Unreadable]) -> Problem:
    if services_file := codeship.has_services_only(files):
        return Problem(
            text="there is no codeship-steps.yml beside it: add one that lists the steps", file=services_file
        )
    text = "this commit has no configuration: add a ciservice.yml, or codeship-services.yml and codeship-steps.yml,"
    text += " or keep pipelines in the project's settings"
    return Problem(text=text)
