"""The JSON of the API, for its document; field names are CodeShip's where CodeShip had them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field


class Errors(Schema):
    """What was wrong with the request."""

    errors: list[str]


class Unauthorized(Schema):
    """No valid token."""

    error: str


class OrganizationOut(Schema):
    """An organisation of the token's person, and what they may do there."""

    uuid: UUID
    name: str
    scopes: list[str]


class LoggedIn(Schema):
    """A token for an hour."""

    access_token: str
    expires_at: int = Field(description="Unix time, seconds.")
    organizations: list[OrganizationOut]


class OrganizationPage(Schema):
    """The organisations of the token's person."""

    organizations: list[OrganizationOut]


class ProjectOut(Schema):
    """A project."""

    id: int
    uuid: UUID
    organization_uuid: UUID
    name: str
    type: str
    repository_url: str
    repository_provider: str
    default_branch: str
    ssh_key: str = Field(description="The public key that the repository's host must let in.")
    hook_url: str
    url: str
    created_at: datetime


class ProjectCreated(ProjectOut):
    """A new project, with the hook's secret, which only this answer shows."""

    hook_secret: str


class OneProject(Schema):
    """A project."""

    project: ProjectOut


class OneProjectCreated(Schema):
    """A new project."""

    project: ProjectCreated


class Page(Schema):
    """Part of a list."""

    total: int
    per_page: int
    page: int


class ProjectPage(Page):
    """Projects by name."""

    projects: list[ProjectOut]


class ProjectIn(Schema):
    """A project to be made; CodeShip's further fields are accepted and have no effect."""

    repository_url: str
    name: str = Field("", description="Default: the last two parts of the address.")
    provider: str = Field("", description="github or generic. Default: by the address's host.")
    default_branch: str = "main"


class BuildLinks(Schema):
    """Where more is."""

    steps: str
    events: str


class BuildOut(Schema):
    """A build: `state` is ciservice's word, `status` CodeShip's."""

    uuid: UUID
    number: int
    project_uuid: UUID
    project_id: int
    organization_uuid: UUID
    ref: str
    branch: str
    commit_sha: str
    commit_message: str
    username: str
    state: str
    status: str
    reason: str
    trigger: str
    queued_at: datetime
    allocated_at: datetime | None
    finished_at: datetime | None
    url: str
    links: BuildLinks


class OneBuild(Schema):
    """A build."""

    build: BuildOut


class BuildPage(Page):
    """Builds, the newest first."""

    builds: list[BuildOut]


class RestartIn(Schema):
    """How to run a build again."""

    exactly: bool = Field(default=False, description="As it ran then, and not with today's settings.")


class JobRecord(Schema):
    """What one job ran with."""

    pipeline: str
    attempt: int
    state: str
    record: dict[str, Any] | None = Field(
        description="commit, variables, secrets (their names), images (name: digest), caches, artifacts, limits, runner;"
        " null = it did not run, or before such records were kept."
    )


class BuildRecord(Schema):
    """What a build ran with."""

    jobs: list[JobRecord]


class BuildIn(Schema):
    """What to build."""

    ref: str = Field(description="heads/main or tags/v1")
    commit_sha: str = Field("", description="The whole commit id. Default: the newest commit of the ref.")


class StepOut(Schema):
    """A step of the newest attempt; groups have steps."""

    uuid: UUID
    build_uuid: UUID
    service_uuid: UUID | None
    name: str
    type: str
    tag: str | None
    command: str
    image_name: str
    registry: str | None
    state: str
    status: str
    reason: str
    exit_code: int | None
    pipeline: str
    attempt: int
    service: str
    log_lines: int
    log_url: str
    started_at: datetime | None
    building_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime | None
    steps: list[StepOut]


class StepList(Schema):
    """The steps of a build, as trees, pipeline after pipeline."""

    steps: list[StepOut]
