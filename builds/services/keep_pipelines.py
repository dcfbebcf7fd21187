"""Keep a project's pipelines here, for as long as its repository has no configuration file."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services.audit import record
from builds.models import KeptPipelines, Project
from builds.pipeline.basic import Kept, kept_from_json, kept_to_json, to_yaml, with_ids
from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, PlanContext, Problem


def keep_pipelines(project: Project, kept: Kept, *, who: User) -> list[Problem]:
    """Store them for the builds from now on. Where they could not run, nothing is stored and the problems are told."""
    if problems := problems_of(project, kept):
        return problems
    with transaction.atomic():
        Project.objects.select_for_update(of=("self",), no_key=True).values_list("pk").get(pk=project.pk)
        data = kept_to_json(with_ids(kept, kept_of(project)))
        KeptPipelines.objects.update_or_create(project=project, defaults={"data": data})
        record("project.pipelines_kept", project.name, user=who, organization=project.organization, details={})
    return []


def forget_pipelines(project: Project, *, who: User) -> None:
    """Keep none any more: what the repository's files say counts."""
    with transaction.atomic():
        gone, _ = KeptPipelines.objects.filter(project=project).delete()
        if gone:
            record("project.pipelines_forgotten", project.name, user=who, organization=project.organization)


def kept_of(project: Project) -> Kept:
    """What is kept; nothing at first."""
    row = KeptPipelines.objects.filter(project=project).first()
    return kept_from_json(row.data) if row else Kept()


def kept_text(project: Project) -> str:
    """The ciservice.yml that the kept pipelines stand for; "" where there are none."""
    return to_yaml(kept_of(project))


def problems_of(project: Project, kept: Kept) -> list[Problem]:
    """Why these could not run; their places are lines of the ciservice.yml. None where nothing is to be kept."""
    text = to_yaml(kept)
    if not text:
        return []
    try:
        make({}, PlanContext(branch=project.default_branch, commit="0" * 40), kept=text)
    except ConfigError as error:
        return error.problems
    return []
