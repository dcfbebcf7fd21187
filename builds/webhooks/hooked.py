"""The project behind a hook's address, read with one plain statement: every webhook of the world asks for one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from builds.models import Project
from builds.models.sealed import unseal

_SELECT = """
SELECT p.id, p.hook_secret, p.organization_id, o.uuid
FROM builds_project p JOIN accounts_organization o ON o.id = p.organization_id
WHERE p.uuid = %s AND p.provider = %s"""


def hooked_project(provider: str, uuid: UUID) -> Project | None:
    """The project with its secret and its organisation's uuid; nothing else of it is read yet."""
    to_row = Project._meta.get_field("uuid").get_db_prep_value
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [to_row(uuid, connection), provider])
        row = cursor.fetchone()
    return None if row is None else _project_of(provider, uuid, row)


def _project_of(provider: str, uuid: UUID, row: tuple[int, str, int, Any]) -> Project:
    key, secret, organization_key, organization_uuid = row
    # In the order of the model.
    given = {
        "id": key,
        "uuid": uuid,
        "organization_id": organization_key,
        "provider": provider,
        "hook_secret": unseal(secret) if secret else "",
    }
    project = Project.from_db(connection.alias, list(given), list(given.values()))
    project.organization = Organization.from_db(
        connection.alias, ["id", "uuid"], [organization_key, UUID(str(organization_uuid))]
    )
    return project
