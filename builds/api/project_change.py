"""Sets what a request says of a project, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ninja.errors import HttpError

from accounts.models import Team, User
from accounts.services.audit import record
from builds.api import rules_slot
from builds.api.basic import DeployPipelineIn, TestPipelineIn, deployments_of, pipeline_of, secrets_of, text_of
from builds.api.project_schemas import ProjectChange
from builds.models import KeptPipelines, Project
from builds.pipeline.basic import Kept
from builds.pipeline.plan import Problem
from builds.services.change_project import change_project
from builds.services.keep_pipelines import forget_pipelines, keep_pipelines, kept_of
from builds.services.replace_secrets import replace_secrets
from builds.services.secrets import Place, SecretError, put_secret


def apply(project: Project, asked: ProjectChange, *, who: User, values: dict[str, Any]) -> None:
    """In the caller's transaction. `values` are fields of the row. HttpError, ProjectError where anything does not do."""
    if asked.build_on_pr_only is not None:
        values = {**values, "pull_requests_only": asked.build_on_pr_only}
    if values:
        change_project(project, values, who=who)
    _pipelines(project, asked, who)
    try:
        if asked.environment_variables is not None:
            replace_secrets(project, {one.name: one.value for one in asked.environment_variables}, who=who)
    except SecretError as error:
        raise HttpError(400, f"environment_variables: {error}") from None
    if asked.team_ids is not None:
        _teams(project, asked.team_ids, who)
    if asked.notification_rules is not None:
        try:
            rules_slot.replace(project, [rule.dict() for rule in asked.notification_rules], who=who)
        except ValueError as error:
            raise HttpError(400, f"notification_rules: {error}") from None


def keep(project: Project, kept: Kept, *, who: User) -> None:
    """Keep these pipelines; HttpError where they could not run."""
    if not all(character.isprintable() or character in "\n\t" for text in _texts(kept) for character in text):
        raise HttpError(400, "A name or a command holds a character that cannot be printed: take it out.")
    if problems := keep_pipelines(project, kept, who=who):
        raise HttpError(400, " ".join(map(_sentence, problems))[:2000])


def keep_secrets(project: Project, asked: DeployPipelineIn, *, who: User) -> None:
    """What the steps of a deployment pipeline have that must be sealed, for its environment alone."""
    for name, value in secrets_of(asked):
        try:
            put_secret(Place(project, environment=kept_name(asked)), name, value, who=who)
        except SecretError as error:
            raise HttpError(400, f"config: {name}: {error}") from None


def kept_name(asked: DeployPipelineIn) -> str:
    """The environment that a deployment pipeline is."""
    return deployments_of(asked)[0].name


def check_names(names: Sequence[str]) -> None:
    """HttpError where two are the same."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise HttpError(400, f"Two pipelines are called {twice[0]}: give each a name of its own.")


def _pipelines(project: Project, asked: ProjectChange, who: User) -> None:
    tests = asked.test_pipelines
    deploys = asked.deploy_pipelines if asked.deploy_pipelines is not None else asked.deployment_pipelines
    if asked.type == "pro":
        _become_pro(project, who)
    elif asked.type == "basic" or any(part is not None for part in (tests, deploys, asked.setup_commands)):
        _keep_all(project, asked.setup_commands, tests, deploys, who)


def _texts(kept: Kept) -> Iterator[str]:
    yield kept.setup
    for pipeline in kept.pipelines:
        yield from (pipeline.name, pipeline.commands)
    for step in kept.deployments:
        yield from (step.name, step.branch, step.commands, *step.settings, *map(str, step.settings.values()))


def _become_pro(project: Project, who: User) -> None:
    kept = kept_of(project)
    if kept.pipelines or kept.deployments:
        raise HttpError(
            400, "type: this project keeps pipelines here, which one of type pro has in files: delete them."
        )
    forget_pipelines(project, who=who)


def _keep_all(
    project: Project,
    setup: list[str] | None,
    tests: list[TestPipelineIn] | None,
    deploys: list[DeployPipelineIn] | None,
    who: User,
) -> None:
    kept = kept_of(project)
    if setup is not None:
        kept = replace(kept, setup=text_of(setup))
    if tests is not None:
        check_names([one.name for one in tests])
        kept = replace(kept, pipelines=tuple(pipeline_of(one) for one in tests))
    if deploys is not None:
        check_names([kept_name(one) for one in deploys])
        kept = replace(kept, deployments=tuple(step for one in deploys for step in deployments_of(one)))
    if kept != kept_of(project) or not KeptPipelines.objects.filter(project=project).exists():
        keep(project, kept, who=who)
    for one in deploys or ():
        keep_secrets(project, one, who=who)


def _teams(project: Project, team_ids: list[int], who: User) -> None:
    teams = list(Team.objects.filter(organization=project.organization_id, pk__in=_of_the_database(team_ids)))
    if missing := sorted(set(team_ids) - {team.pk for team in teams}):
        raise HttpError(400, f"team_ids: {project.organization} has no team {missing[0]}.")
    before = set(project.teams.values_list("pk", flat=True))
    if before != {team.pk for team in teams}:
        project.teams.set(teams)
        names = sorted(team.name for team in teams)
        details = {"teams": names}
        record("project.teams_changed", project.name, user=who, organization=project.organization, details=details)


def _of_the_database(keys: list[int]) -> list[int]:
    return [key for key in keys if 0 < key < 2**63]


def _sentence(problem: Problem) -> str:
    text = problem.text.strip()
    return text if text.endswith(".") else f"{text}."
