"""What is to leave the house: written with the change that causes it, delivered after, at least once."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class OutboxState(models.TextChoices):
    """Where an entry stands."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"  # given up; shown to people


class OutboxQuerySet(models.QuerySet["OutboxEntry"]):
    """Entries, asked for in the words of the domain."""

    def due(self) -> OutboxQuerySet:
        """Entries whose moment has come, by the database's clock."""
        return self.filter(state=OutboxState.PENDING, not_before__lte=Now())


class OutboxEntry(models.Model):
    """One effect outside; `kind` names who delivers it, `key` keeps it from being queued twice."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, unique=True, help_text="Idempotency key: event and target.")
    lane = models.CharField(
        max_length=200, blank=True, default="", help_text="Whom it goes to: entries of one lane go one at a time."
    )
    owner = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Who asked for it: of one owner only some lanes are worked at a time; empty = this service itself.",
    )
    payload = models.JSONField(help_text="Ids and plain values; never a secret.")
    state = models.CharField(max_length=10, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], condition=models.Q(state="pending"), name="outbox_due"),
            models.Index(fields=["lane", "id"], condition=models.Q(state="pending"), name="outbox_lane_due"),
            models.Index(fields=["lane", "not_before"], condition=models.Q(state="pending"), name="outbox_lane_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.state}"


class OutboxLane(models.Model):
    """One receiver outside. Who holds its lease may send to it; after failures it rests, and holds up nobody else."""

    name = models.CharField(max_length=200, unique=True)
    epoch = models.PositiveBigIntegerField(default=0, help_text="Rises with every claim: fences the holder before.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    rests_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
