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


class Page(Schema):
    """Part of a list."""

    total: int
    per_page: int
    page: int


class BuildLinks(Schema):
    """Where more is: `pipelines` of every build, `services` and `steps` too."""

    pipelines: str
    services: str
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


class BuildDetail(BuildOut):
    """A build, and why it waits while it does."""

    waiting_reason: str = Field("", description="One sentence; empty where it does not wait.")
    estimated_start: datetime | None = None


class OneBuild(Schema):
    """A build."""

    build: BuildDetail


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
    pipelines: list[str] = Field(
        [], max_length=50, description="Names of those that run, and no deployment. Default: everything."
    )


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


class StepPage(Page):
    """The steps of a build, as trees, pipeline after pipeline; pages count the trees."""

    steps: list[StepOut]


class Metrics(Schema):
    """CodeShip's figures of a pipeline, all of them texts; "" where they are not measured."""

    ami_id: str
    architecture: str
    cpu_per_second: str
    cpu_system: str
    cpu_user: str
    disk_free_bytes: str
    disk_used_bytes: str
    duration: str = Field(description="Seconds.")
    instance_id: str = Field(description="The runner.")
    instance_type: str
    max_used_connections: str
    memory_max_usage_in_bytes: str
    network_rx_bytes: str
    network_tx_bytes: str
    queries: str


class PipelineOut(Schema):
    """A pipeline of a build, or the steps of a deployment: a job of one runner."""

    uuid: UUID
    build_uuid: UUID
    type: str = Field(description="build or deploy")
    name: str
    state: str
    status: str
    reason: str
    attempt: int
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    metrics: Metrics


class PipelinePage(Page):
    """The pipelines of a build."""

    pipelines: list[PipelineOut]


class ServiceOut(Schema):
    """A service of a build's plan: the containers that steps run in."""

    uuid: UUID
    build_uuid: UUID
    name: str
    status: str = Field(description="waiting, running or finished")
    pulling_at: datetime | None
    building_at: datetime | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class ServicePage(Page):
    """The services of a build, by name."""

    services: list[ServiceOut]
