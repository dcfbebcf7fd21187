"""A runner as the server sees it: who is alive, what it can do, what it was told; and the tokens that let machines join."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models import Organization


class Serves(models.TextChoices):
    """Whose jobs a runner takes."""

    ALL = "all", "every job"
    TRUSTED = "trusted", "no changes from forks"
    FORKS = "forks", "changes from forks only"  # nothing that has secrets, and never a deployment


class Runner(models.Model):
    """One runner process; its row is its pulse, and where it reads what it was told."""

    name = models.CharField(max_length=200, unique=True)
    labels = models.JSONField(default=list)
    capacity = models.PositiveIntegerField(default=1)
    executor = models.CharField(max_length=20)
    version = models.CharField(max_length=40)
    note = models.TextField(blank=True, help_text="What people should know: why the process executor runs, say.")
    obstacle = models.TextField(blank=True, db_default="", help_text="Why it takes no jobs now; empty = it does.")
    draining = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    left_at = models.DateTimeField(null=True, blank=True, help_text="It was shut down in good order.")
    organization = models.ForeignKey(
        Organization, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Serves it alone."
    )
    serves = models.CharField(max_length=10, choices=Serves.choices, default=Serves.ALL, db_default=Serves.ALL)
    paused_at = models.DateTimeField(null=True, blank=True, help_text="It takes no new jobs.")
    paused_by = models.CharField(max_length=254, blank=True, db_default="")
    pause_reason = models.CharField(max_length=300, blank=True, db_default="")
    drain_at = models.DateTimeField(null=True, blank=True, help_text="It is to end what it runs, and then itself.")
    drain_by = models.CharField(max_length=254, blank=True, db_default="")
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="It may nothing any more.")
    revoked_by = models.CharField(max_length=254, blank=True, db_default="")

    def __str__(self) -> str:
        return self.name


class JoinToken(models.Model):
    """Lets one machine fetch what a runner needs, once; the database knows only its SHA-256."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose runner it makes.",
    )
    serves = models.CharField(max_length=10, choices=Serves.choices, default=Serves.ALL)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.CharField(max_length=200, blank=True, help_text="The name of the runner that joined with it.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"join token {self.uuid}"
