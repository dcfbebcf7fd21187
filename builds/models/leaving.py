"""What leaves an organisation: a project that another organisation is asked to take, and a file with all its data."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models import Organization
from builds.models.project import Project


class ProjectTransfer(models.Model):
    """A project that waits for another organisation to take it; the row goes with the answer, the audit log keeps it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="transfer")
    target = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="transfers_in")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.project} to {self.target}"


class Export(models.Model):
    """A file with an organisation's data: asked for, made by a worker, kept for a day."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="exports")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveSmallIntegerField(default=0)
    try_until = models.DateTimeField(null=True, blank=True, help_text="A worker makes it; after this, another may.")
    storage_name = models.CharField(max_length=200, blank=True, help_text="Empty = not made yet.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    problem = models.TextField(blank=True, help_text="Why it was given up; empty = it was not.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When the file goes.")

    def __str__(self) -> str:
        return f"data of {self.organization}"
