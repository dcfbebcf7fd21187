"""The JSON of projects: CodeShip's fields, and ours beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, field_validator

from builds.api.basic import MOST, Commands, DeploymentPipelineOut, DeployPipelineIn, TestPipelineIn
from builds.api.schemas import Page
from builds.services.secrets import LONGEST_VALUE

_TYPES = {0: "basic", 1: "pro"}  # as CodeShip's client for Go sends them


class VariableIn(Schema):
    """A variable of every build; its value is sealed, masked in logs, and never told again."""

    name: str = Field(min_length=1, max_length=200)
    value: str | None = Field("", max_length=LONGEST_VALUE, description="Empty or null = as it is.")


class VariableOut(Schema):
    """A variable of every build."""

    name: str
    value: None = Field(description="Always null: values are never told.")


class RuleIn(Schema):
    """Whom to tell what."""

    notifier: str = Field(description="email, slack or webhook", max_length=20)
    target: str | None = Field(None, description="all or committer; of an e-mail also an address", max_length=254)
    build_owner: str | None = Field(None, description="CodeShip's older word for `target`", max_length=254)
    branch: str | None = Field(None, description="A name, or a regular expression ^…$; null = every branch")
    branch_match: str | None = Field("exact", description="exact or regex; the branch itself says which")
    build_statuses: list[str] = Field([], max_length=20, description="started, failed, success, recovered")
    options: dict[str, Any] = Field({}, description="url, key, room: of hooks")


class RuleOut(Schema):
    """Whom to tell what; addresses of hooks are secrets and not told."""

    notifier: str
    target: str | None
    branch: str | None
    branch_match: str
    build_statuses: list[str]
    options: dict[str, str]


class ProjectTeam(Schema):
    """A team that works on the project."""

    id: int
    name: str


class ProjectOut(Schema):
    """A project. Those of type basic keep their pipelines here, those of type pro in files of their repository."""

    id: int
    uuid: UUID
    organization_uuid: UUID
    name: str
    type: str = Field(description="basic or pro")
    repository_url: str
    repository_provider: str
    authentication_user: str
    default_branch: str
    ssh_key: str = Field(description="The public key that the repository's host must let in.")
    aes_key: str | None = Field(description="For who may change the project, in answers about one; else null.")
    team_ids: list[int]
    build_on_pr_only: bool
    branch_match: str = Field(description="Always all: files say which branches are built.")
    branches: list[str]
    setup_commands: Commands
    test_pipelines: list[dict[str, Any]]
    deployment_pipelines: list[DeploymentPipelineOut]
    environment_variables: list[VariableOut]
    notification_rules: list[RuleOut]
    hook_url: str
    url: str
    created_at: datetime
    updated_at: datetime


class ProjectCreated(ProjectOut):
    """A new project, with the hook's secret, which only this answer shows."""

    hook_secret: str


class OneProject(Schema):
    """A project."""

    project: ProjectOut


class OneProjectCreated(Schema):
    """A new project."""

    project: ProjectCreated


class ProjectPage(Page):
    """Projects by name."""

    projects: list[ProjectOut]


class ProjectChange(Schema):
    """What of a project to set. What is not given stays as it is; what is given replaces all there is of it."""

    type: Literal["basic", "pro"] | None = Field(
        None, description="pro: pipelines come from the repository's files. Default: basic where pipelines are given."
    )
    team_ids: list[int] | None = Field(None, max_length=100)
    setup_commands: Commands | None = Field(None, max_length=500)
    test_pipelines: list[TestPipelineIn] | None = Field(None, max_length=MOST)
    deploy_pipelines: list[DeployPipelineIn] | None = Field(None, max_length=MOST)
    deployment_pipelines: list[DeployPipelineIn] | None = Field(None, max_length=MOST, description="deploy_pipelines.")
    environment_variables: list[VariableIn] | None = Field(None, max_length=200)
    notification_rules: list[RuleIn] | None = Field(None, max_length=50)
    build_on_pr_only: bool | None = Field(None, description="Beside the default branch, only what a pull request has.")
    branches: list[str] | None = Field(None, max_length=0, description="Empty: files say which branches are built.")

    @field_validator("type", mode="before")
    @classmethod
    def word_of(cls, value: object) -> object:
        """CodeShip's client for Go sends numbers."""
        return _TYPES.get(value, value) if isinstance(value, int) and not isinstance(value, bool) else value


class ProjectIn(ProjectChange):
    """A project to be made."""

    repository_url: str
    name: str = Field("", description="Default: the last two parts of the address.")
    provider: str = Field("", description="Default: by the address's host.")
    default_branch: str = "main"


class ProjectUpdate(ProjectChange):
    """A project to be changed."""

    repository_url: str | None = None
    name: str | None = None
    default_branch: str | None = None
