"""What came in at the webhook door, and what became of it."""

from __future__ import annotations

from django.db import models

from builds.models.build import Build
from builds.models.project import Project

MISSED = "missed push"  # the event of a delivery that we made ourselves, having looked at the branches


class DeliveryOutcome(models.TextChoices):
    """What a delivery led to."""

    BUILT = "built"
    IGNORED = "ignored"  # nothing to build: ping, unknown event, deleted branch, [skip ci]
    DUPLICATE = "duplicate"
    REFUSED = "refused"  # wrong signature, or a body we cannot read


class WebhookDelivery(models.Model):
    """One request to a project's hook address; kept for the project's page, trimmed after some weeks."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="deliveries")
    provider = models.CharField(max_length=20)
    delivery_id = models.CharField(
        max_length=200, help_text="The sender's id, or a digest of the body where it has none."
    )
    event = models.CharField(max_length=60, blank=True)
    ref = models.CharField(max_length=300, blank=True)
    before = models.CharField(max_length=64, blank=True, help_text="Where the ref stood; zeros = it was made.")
    after = models.CharField(max_length=64, blank=True, help_text="Where it stands now; zeros = it was deleted.")
    outcome = models.CharField(max_length=10, choices=DeliveryOutcome.choices)
    reason = models.TextField(blank=True)
    build = models.ForeignKey(Build, on_delete=models.SET_NULL, null=True, blank=True, related_name="deliveries")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "provider", "delivery_id"],
                condition=models.Q(outcome__in=["built", "ignored"]),
                name="one_outcome_a_delivery",
            )
        ]
        indexes = [
            models.Index(fields=["project", "-received_at"], name="delivery_newest"),
            models.Index(fields=["project", "after"], name="delivery_after"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event} {self.outcome}"
