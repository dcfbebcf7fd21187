"""The key that opens what a project's repository keeps encrypted: CodeShip's AES key, sealed at rest."""

from __future__ import annotations

from django.db import models

from builds.models.project import Project
from builds.models.sealed import SealedField
from runners.encryption import new_key


def new_key_text() -> str:
    """A key that nobody has, as codeship.aes has it."""
    return new_key().text


class ProjectKey(models.Model):
    """A row of its own, so that no list of projects opens it."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="key")
    text = SealedField(default=new_key_text, help_text="As codeship.aes has it.")
    is_own = models.BooleanField(default=False, help_text="Uploaded, not made here.")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"key of project {self.project_id}"
