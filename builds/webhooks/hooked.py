"""The project behind a hook's address, read with one plain statement: every webhook of the world asks for one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from builds.models import Project
from builds.models.sealed import unseal

# In the order of the model, which is that of the statement.
_FIELDS = (
    "id",
    "uuid",
    "organization_id",
    "provider",
    "repository_url",
    "default_branch",
    "hook_secret",
    "connection_id",
    "repository_id",
    "repository_name",
    "reports_statuses",
    "forks",
    "pull_requests_only",
)
_SELECT = """
SELECT p.id, p.uuid, p.organization_id, p.provider, p.repository_url, p.default_branch, p.hook_secret,
    p.connection_id, p.repository_id, p.repository_name, p.reports_statuses, p.forks, p.pull_requests_only, o.uuid
FROM builds_project p JOIN accounts_organization o ON o.id = p.organization_id
WHERE p.uuid = %s AND p.provider = %s"""


def hooked_project(provider: str, uuid: UUID) -> Project | None:
    """The project with what its webhooks need, and its organisation's uuid; nothing else of it is read yet."""
    to_row = Project._meta.get_field("uuid").get_db_prep_value
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [to_row(uuid, connection), provider])
        row = cursor.fetchone()
    return None if row is None else _project_of(uuid, row)


def _project_of(uuid: UUID, row: tuple[Any, ...]) -> Project:
    given = dict(zip(_FIELDS, row, strict=False))
    given["uuid"], given["hook_secret"] = uuid, unseal(given["hook_secret"]) if given["hook_secret"] else ""
    # SQLite has no booleans.
    given |= {name: bool(given[name]) for name in ("reports_statuses", "pull_requests_only")}
    project = Project.from_db(connection.alias, list(given), list(given.values()))
    project.organization = Organization.from_db(
        connection.alias, ["id", "uuid"], [project.organization_id, UUID(str(row[-1]))]
    )
    return project
