"""The pipelines that a project of type basic keeps: CodeShip's collections of test and deployment pipelines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from ninja import Path, Router, Schema, Status
from ninja.errors import HttpError

from builds.access import Right, project_in_or_404, require_in
from builds.api.auth import Asked
from builds.api.basic import (
    MOST,
    DeployPipelineIn,
    DeployPipelineOut,
    TestPipelineIn,
    TestPipelineOut,
    deploy_pipelines,
    deployments_of,
    environments,
    pipeline_of,
    test_pipelines,
)
from builds.api.paging import Listed, Paging, page_of
from builds.api.project_change import check_names, keep, keep_secrets
from builds.api.schemas import Errors, Page
from builds.models import KeptPipelines, Project
from builds.pipeline.basic import Kept, kept_from_json

router = Router(tags=["projects"])
_PROJECT = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}"
_TESTS, _DEPLOYS = f"{_PROJECT}/test_pipelines", f"{_PROJECT}/deploy_pipelines"
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}
Row = dict[str, Any]


class Address(Schema):
    """A pipeline's number beneath its project."""

    organization_uuid: UUID
    project_uuid: UUID
    pipeline_id: int


class TestPipelinePage(Page):
    """Test pipelines, in their order."""

    test_pipelines: list[TestPipelineOut]


class OneTestPipeline(Schema):
    """A test pipeline."""

    test_pipeline: TestPipelineOut


class DeployPipelinePage(Page):
    """Deployment pipelines, in their order."""

    deploy_pipelines: list[DeployPipelineOut]


class OneDeployPipeline(Schema):
    """A deployment pipeline."""

    deploy_pipeline: DeployPipelineOut


@router.get(_TESTS, response={200: TestPipelinePage, 404: Errors}, operation_id="list_test_pipelines")
def list_test_pipelines(request: Asked, organization_uuid: UUID, project_uuid: UUID, paging: Paging) -> HttpResponse:
    """The test pipelines that are kept here; none where files of the repository say it."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return page_of(request, Listed(_tests(project)), paging, "test_pipelines", lambda row: row)


@router.post(_TESTS, response={201: OneTestPipeline, **_REFUSALS}, operation_id="create_test_pipeline")
def create_test_pipeline(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, asked: TestPipelineIn
) -> Status[Row]:
    """Add a test pipeline: it runs beside the others. The project is of type basic from then on."""
    project = _to_change(request, organization_uuid, project_uuid)
    _change(project, request, lambda kept: replace(kept, pipelines=(*kept.pipelines, pipeline_of(asked))))
    return Status(201, {"test_pipeline": _tests(project)[-1]})


@router.get(
    f"{_TESTS}/{{pipeline_id}}", response={200: OneTestPipeline, 404: Errors}, operation_id="show_test_pipeline"
)
def show_test_pipeline(request: Asked, where: Path[Address]) -> Row:
    """One test pipeline."""
    project = project_in_or_404(request.auth, where.organization_uuid, where.project_uuid)
    return {"test_pipeline": _of_id(_tests(project), where.pipeline_id)}


@router.put(
    f"{_TESTS}/{{pipeline_id}}", response={200: OneTestPipeline, **_REFUSALS}, operation_id="update_test_pipeline"
)
def update_test_pipeline(request: Asked, where: Path[Address], asked: TestPipelineIn) -> Row:
    """Replace a test pipeline."""
    project = _to_change(request, where.organization_uuid, where.project_uuid)
    _of_id(_tests(project), where.pipeline_id)
    new = pipeline_of(asked, where.pipeline_id)
    _change(project, request, lambda kept: replace(kept, pipelines=_put(kept.pipelines, new.id, [new])))
    return {"test_pipeline": _of_id(_tests(project), where.pipeline_id)}


@router.delete(f"{_TESTS}/{{pipeline_id}}", response={204: None, **_REFUSALS}, operation_id="delete_test_pipeline")
def delete_test_pipeline(request: Asked, where: Path[Address]) -> Status[None]:
    """Remove a test pipeline."""
    project = _to_change(request, where.organization_uuid, where.project_uuid)
    _of_id(_tests(project), where.pipeline_id)
    _change(project, request, lambda kept: replace(kept, pipelines=_put(kept.pipelines, where.pipeline_id, [])))
    return Status(204, None)


@router.get(_DEPLOYS, response={200: DeployPipelinePage, 404: Errors}, operation_id="list_deploy_pipelines")
def list_deploy_pipelines(request: Asked, organization_uuid: UUID, project_uuid: UUID, paging: Paging) -> HttpResponse:
    """The deployment pipelines that are kept here."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return page_of(request, Listed(_deploys(project)), paging, "deploy_pipelines", lambda row: row)


@router.post(_DEPLOYS, response={201: OneDeployPipeline, **_REFUSALS}, operation_id="create_deploy_pipeline")
def create_deploy_pipeline(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, asked: DeployPipelineIn
) -> Status[Row]:
    """Add a deployment pipeline. Keys among its settings become secrets of its environment, and are not told again."""
    project = _to_change(request, organization_uuid, project_uuid)
    new = deployments_of(asked)
    _change(project, request, lambda kept: replace(kept, deployments=(*kept.deployments, *_fresh(kept, new))), asked)
    return Status(201, {"deploy_pipeline": _deploys(project)[-1]})


@router.get(
    f"{_DEPLOYS}/{{pipeline_id}}", response={200: OneDeployPipeline, 404: Errors}, operation_id="show_deploy_pipeline"
)
def show_deploy_pipeline(request: Asked, where: Path[Address]) -> Row:
    """One deployment pipeline."""
    project = project_in_or_404(request.auth, where.organization_uuid, where.project_uuid)
    return {"deploy_pipeline": _of_id(_deploys(project), where.pipeline_id)}


@router.put(
    f"{_DEPLOYS}/{{pipeline_id}}", response={200: OneDeployPipeline, **_REFUSALS}, operation_id="update_deploy_pipeline"
)
def update_deploy_pipeline(request: Asked, where: Path[Address], asked: DeployPipelineIn) -> Row:
    """Replace a deployment pipeline; keys that are not given stay."""
    project = _to_change(request, where.organization_uuid, where.project_uuid)
    _of_id(_deploys(project), where.pipeline_id)
    new = deployments_of(asked, where.pipeline_id)
    _change(project, request, lambda kept: replace(kept, deployments=_instead(kept, new)), asked)
    return {"deploy_pipeline": _of_id(_deploys(project), where.pipeline_id)}


@router.delete(f"{_DEPLOYS}/{{pipeline_id}}", response={204: None, **_REFUSALS}, operation_id="delete_deploy_pipeline")
def delete_deploy_pipeline(request: Asked, where: Path[Address]) -> Status[None]:
    """Remove a deployment pipeline; its environment's history stays."""
    project = _to_change(request, where.organization_uuid, where.project_uuid)
    _of_id(_deploys(project), where.pipeline_id)
    _change(project, request, lambda kept: replace(kept, deployments=_put(kept.deployments, where.pipeline_id, [])))
    return Status(204, None)


def _to_change(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> Project:
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    require_in(request.auth, project, Right.CHANGE_PROJECT)
    return project


def _tests(project: Project) -> list[Row]:
    row = KeptPipelines.objects.filter(project=project).first()
    return [] if row is None else test_pipelines(kept_from_json(row.data), row.changed_at)


def _deploys(project: Project) -> list[Row]:
    row = KeptPipelines.objects.filter(project=project).first()
    return [] if row is None else deploy_pipelines(kept_from_json(row.data), project.uuid, row.changed_at)


def _of_id(rows: list[Row], number: int) -> Row:
    for row in rows:
        if row["id"] == number:
            return row
    raise Http404


def _put(rows: tuple[Any, ...], number: int, new: list[Any]) -> tuple[Any, ...]:
    """With `new` where those of that number stood."""
    place = next((place for place, row in enumerate(rows) if row.id == number), None)
    if place is None:
        raise Http404
    others = [row for row in rows if row.id != number]
    return (*others[:place], *new, *others[place:])


def _instead(kept: Kept, new: list[Any]) -> tuple[Any, ...]:
    """All of them, with `new` for the environment of their number."""
    others = tuple(row for row in kept.deployments if row.id != new[0].id)
    _fresh(replace(kept, deployments=others), new)
    return _put(kept.deployments, new[0].id, new)


def _fresh(kept: Kept, new: list[Any]) -> list[Any]:
    """`new`, where no environment of that name is kept yet."""
    if new and new[0].name in environments(kept):
        raise HttpError(400, f"{new[0].name} is there already: change it, or give another name.")
    return new


def _change(
    project: Project, request: Asked, change: Callable[[Kept], Kept], asked: DeployPipelineIn | None = None
) -> None:
    """Keep what `change` makes of what is kept, while nobody else changes it."""
    with transaction.atomic():
        Project.objects.select_for_update(of=("self",), no_key=True).values_list("pk").get(pk=project.pk)
        row = KeptPipelines.objects.filter(project=project).first()
        kept = change(Kept() if row is None else kept_from_json(row.data))
        check_names([one.name for one in kept.pipelines])
        if len(kept.pipelines) > MOST or len(environments(kept)) > MOST:
            raise HttpError(400, f"A project keeps at most {MOST} pipelines of a kind.")
        keep(project, kept, who=request.auth)
        if asked is not None:
            keep_secrets(project, asked, who=request.auth)
