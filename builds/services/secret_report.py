"""All that would have to be set anew if somebody had read everything: what there is, how old, and who was given it last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organization
from builds.models import Connection, Job, Project, ProjectKey, Secret, SecretKind
from builds.services.secrets import told

_UNREAD_OF_A_PROJECT = ("hook_secret", "ssh_private_key")


@dataclass(frozen=True, kw_only=True)
class Known:
    """One thing that is secret, without its value."""

    what: str
    name: str
    place: str
    project: Project | None = None
    changed_at: datetime
    changed_by: str = ""
    given_at: datetime | None = None
    given_to: Job | None = None


def secret_report(organization: Organization) -> list[Known]:
    """Those of an organisation and of all its projects, the oldest first. No value is read."""
    found = [*_secrets(organization), *_of_projects(organization), *_connections(organization)]
    return sorted(found, key=lambda one: one.changed_at)


def _secrets(organization: Organization) -> Iterator[Known]:
    rows = Secret.objects.exclude(kind=SecretKind.VARIABLE).select_related("project")
    unread = [f"project__{name}" for name in _UNREAD_OF_A_PROJECT]
    for of in ({"organization": organization}, {"project__organization": organization}):
        for each in told(rows.filter(**of).defer(*unread)):
            yield Known(
                what=str(SecretKind(each.kind).label),
                name=each.name,
                place=place_of_row(each),
                project=each.project,
                changed_at=each.changed_at or each.created_at,
                changed_by=str(each.changed_by or ""),
                given_at=each.given_at,
                given_to=each.given_to,
            )


def place_of_row(secret: Secret) -> str:
    """Which jobs are given it, in words."""
    parts = [f"branch {secret.branch}"] if secret.branch else []
    parts += [f"environment {secret.environment}"] if secret.environment else []
    return ", ".join(parts) or "every job"


def _of_projects(organization: Organization) -> Iterator[Known]:
    projects = Project.objects.filter(organization=organization).defer(*_UNREAD_OF_A_PROJECT)
    keys = dict(ProjectKey.objects.filter(project__organization=organization).values_list("project", "changed_at"))
    for project in projects:
        if project.pk in keys:
            yield Known(
                what="Encryption key",
                name="codeship.aes",
                place="every job",
                project=project,
                changed_at=keys[project.pk],
            )
        for what in ("Hook secret", "Deploy key"):
            yield Known(what=what, name="", place="the git host", project=project, changed_at=project.created_at)


def _connections(organization: Organization) -> Iterator[Known]:
    rows = Connection.objects.filter(organization=organization).defer("token", "app_key").select_related("created_by")
    for each in rows:
        yield Known(
            what="Connection",
            name=str(each),
            place="the git host",
            changed_at=each.created_at,
            changed_by=str(each.created_by or ""),
        )
