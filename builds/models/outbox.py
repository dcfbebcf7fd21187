"""What is to leave the house: written with the change that causes it, delivered after, at least once."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class OutboxState(models.TextChoices):
    """Where an entry stands."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"  # given up; shown to people


class OutboxEntry(models.Model):
    """One effect outside; `kind` names who delivers it, `key` keeps it from being queued twice."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, unique=True, help_text="Idempotency key: event and target.")
    payload = models.JSONField(help_text="Ids and plain values; never a secret.")
    state = models.CharField(max_length=10, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["not_before"], condition=models.Q(state="pending"), name="outbox_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.state}"
