"""The JSON of this app's part of the API, for its document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, Field

from builds.api.moments import Moment
from builds.api.schemas import Page
from builds.services.texts import storable

_Text = Annotated[str, AfterValidator(storable)]
_NUMBER = Field(ge=1, le=2_000_000_000, description="Its number in the project.")


class ProbeOut(Schema):
    """What an address answered the last time."""

    url: str
    right: bool
    status: int | None = Field(description="Of the answer; null = there was none.")
    milliseconds: int | None
    tries: int
    failures: int = Field(description="In a row, up to now.")
    reason: str
    answer: str = Field(description="The beginning of what it answered.")
    at: datetime


class StageOut(Schema):
    """One share of a deployment, from the first to the last; those that have not begun have no number."""

    number: int | None
    kind: str = Field(description="rollout, or rollback: it brings the release before it back.")
    percent: float
    state: str = Field(
        description="passed, failed, running, queued, cancelled, skipped, unknown, or none before it begins."
    )
    words: str
    release: int
    began_at: datetime | None
    rolled_out_at: datetime | None
    right_at: datetime | None
    bakes_until: datetime | None
    ended_at: datetime | None
    reason: str
    probes: list[ProbeOut]


class DecisionOut(Schema):
    """What a person said to it."""

    who: str
    approved: bool
    comment: str
    at: datetime


class DeploymentOut(Schema):
    """One release on its way to one environment."""

    uuid: UUID
    state: str
    reason: str
    environment: str
    environment_uuid: UUID
    release: int
    commit_sha: str
    build_uuid: UUID
    automatic: bool
    rollback: bool
    request_reason: str
    override_reason: str
    previous_release: int | None
    requested_at: datetime
    approved_at: datetime | None
    expires_at: datetime | None = Field(description="When nobody may approve it any more.")
    held_until: datetime | None = Field(description="When it goes by itself.")
    paused_at: datetime | None
    started_at: datetime | None
    live_at: datetime | None
    finished_at: datetime | None
    url: str


class DeploymentWhole(DeploymentOut):
    """The same, with its stages and what was said to it."""

    stages: list[StageOut]
    decisions: list[DecisionOut]


class OneDeployment(Schema):
    """A deployment."""

    deployment: DeploymentWhole


class DeploymentPage(Page):
    """A page of deployments, the newest first."""

    deployments: list[DeploymentOut]


class ApprovalOut(Schema):
    """Who has to agree before a release goes."""

    roles: list[str]
    people: list[str]
    not_author: bool
    expires_seconds: int


class GatesOut(Schema):
    """What protects an environment, as its own branch has it."""

    branches: list[str]
    tags: list[str]
    approval: ApprovalOut | None
    windows: list[str] = Field(description="As they are written; none = always.")
    queue: bool


class HealthOut(Schema):
    """What looking at what is live says."""

    state: str = Field(description="good, bad, or nothing where nobody looks.")
    reason: str
    since: datetime | None
    probes: list[ProbeOut]


class FreezeOut(Schema):
    """A time in which nothing goes to an environment, or to any of the organisation."""

    uuid: UUID
    environment: str | None
    environment_uuid: UUID | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str | None


class EnvironmentOut(Schema):
    """A place that releases go to: what is live, and what is on its way, the next one first."""

    uuid: UUID
    name: str
    branch: str
    after: str
    retired: bool
    address: str = Field(description="Where people see what is live.")
    gates: GatesOut
    health: HealthOut
    freezes: list[FreezeOut]
    live: DeploymentWhole | None
    coming: list[DeploymentWhole]


class EnvironmentList(Schema):
    """The environments of a project in the order of promotion."""

    environments: list[EnvironmentOut]


class FreezeList(Schema):
    """Those that hold or come."""

    freezes: list[FreezeOut]


class OneFreeze(Schema):
    """A freeze."""

    freeze: FreezeOut


class ReleaseOut(Schema):
    """What is delivered: a passed build. It never changes but for the mark."""

    number: int
    uuid: UUID
    commit_sha: str
    commit_message: str
    build_uuid: UUID
    build_number: int
    images: dict[str, str]
    config_digest: str
    irreversible: str = Field(description="Why it cannot be taken back; empty = it can.")
    created_at: datetime
    url: str


class OneRelease(Schema):
    """A release."""

    release: ReleaseOut


class ReleasePage(Page):
    """A page of releases, the newest first."""

    releases: list[ReleaseOut]


class DeployIn(Schema):
    """Which release to deploy."""

    release: int = _NUMBER
    reason: _Text = Field("", max_length=1000)


class RollbackIn(Schema):
    """Which release to bring back, and why."""

    release: int = _NUMBER
    reason: _Text = Field(min_length=1, max_length=1000)
    override: _Text = Field("", max_length=1000, description="Why, though what cannot be taken back lies between.")


class CommentIn(Schema):
    """What to say with it."""

    comment: _Text = Field("", max_length=1000)


class ReasonIn(Schema):
    """Why."""

    reason: _Text = Field(min_length=1, max_length=1000)


class SettleIn(Schema):
    """What became of a deployment that nobody knows about."""

    outcome: Literal["live", "failed"]
    reason: _Text = Field("", max_length=1000)


class FreezeIn(Schema):
    """A time in which nothing goes."""

    environment_uuid: UUID | None = Field(None, description="Default: every environment of the organisation.")
    starts_at: Moment | None = Field(None, description="With its zone. Default: now.")
    ends_at: Moment
    reason: _Text = Field(min_length=1, max_length=200)
