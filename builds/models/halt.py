"""A switch that was thrown: no new work begins, in one organisation or everywhere, until somebody lifts it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models import Organization


class Halt(models.Model):
    """It holds while `ended_at` is empty; what waits goes on waiting. Claims look at it (services/claim.py, lanes.py)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="halts",
        help_text="Empty = everybody's work.",
    )
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    began_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [
            # A handful of rows at most: every claim looks here.
            models.Index(fields=["organization"], condition=models.Q(ended_at=None), name="halt_holds"),
        ]

    def __str__(self) -> str:
        return f"halt of {self.organization or 'everything'}: {self.reason}"


class QueueLimit(models.Model):
    """How many builds of an organisation may wait at one time, where that is not the instance's QUEUE_LIMIT."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="queue_limit"
    )
    builds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.organization}: {self.builds}"
