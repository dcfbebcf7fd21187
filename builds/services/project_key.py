"""A project's key: put, made anew, or taken away as codeship.aes; each with its entry in the audit log."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services.audit import record
from builds.models import Project, ProjectKey
from builds.models.project_key import new_key_text
from runners.encryption import parse_key


def put_key(project: Project, text: str, *, who: User) -> None:
    """Take the key of a codeship.aes for the builds from now on. EncryptionError where it holds none."""
    _save(project, parse_key(text).text, is_own=True)
    _note(project, "project.key_put", who)


def renew_key(project: Project, *, who: User) -> None:
    """Make a new key: what was encrypted with the old one does not open any more."""
    _save(project, new_key_text(), is_own=False)
    _note(project, "project.key_renewed", who)


def take_key(project: Project, *, who: User) -> str:
    """The text of codeship.aes, for a person who saves it; "" where the project has no key."""
    text = key_of(project.pk)
    if text:
        _note(project, "project.key_downloaded", who)
    return text


def key_of(project_id: int) -> str:
    """The same for the project's own builds: nothing is recorded."""
    return ProjectKey.objects.filter(project=project_id).values_list("text", flat=True).first() or ""


@transaction.atomic
def _save(project: Project, text: str, *, is_own: bool) -> None:
    ProjectKey.objects.update_or_create(project=project, defaults={"text": text, "is_own": is_own})


def _note(project: Project, action: str, who: User) -> None:
    record(action, project.name, user=who, organization=project.organization)
