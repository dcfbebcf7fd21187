"""Change a project: its settings and its hook secret; each with its entry in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.services.audit import record
from builds.models import Project
from builds.models.project import new_hook_secret
from builds.services.create_project import ProjectError, check_project


def change_project(project: Project, values: Mapping[str, Any], *, who: User) -> None:
    """Save `values` (field: value); ProjectError where they do not do."""
    for name, value in values.items():
        setattr(project, name, value)
    check_project(project.name, project.repository_url, project.default_branch)
    try:
        with transaction.atomic():
            project.save(update_fields=list(values))
            _note(project, "project.changed", who, fields=sorted(values))
    except IntegrityError:
        raise ProjectError("name", f"{project.organization} has a project named {project.name} already.") from None


def renew_hook_secret(project: Project, *, who: User) -> str:
    """A new secret for the project's webhooks, from now on the only one that is accepted."""
    with transaction.atomic():
        secret = new_hook_secret()
        project.hook_secret = secret
        project.save(update_fields=["hook_secret"])
        _note(project, "project.hook_secret_renewed", who)
    return secret


def _note(project: Project, action: str, who: User, **details: object) -> None:
    record(action, project.name, user=who, organization=project.organization, details=details)
