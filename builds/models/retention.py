"""How long an organisation keeps what its builds leave."""

from __future__ import annotations

from django.db import models

from accounts.models import Organization


class Retention(models.Model):
    """Days after which something goes; empty = as the instance has it, 0 = never."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="retention")
    build_days = models.PositiveIntegerField(null=True, blank=True)
    log_days = models.PositiveIntegerField(null=True, blank=True)
    artifact_days = models.PositiveIntegerField(null=True, blank=True)
    cache_days = models.PositiveIntegerField(null=True, blank=True, help_text="Without being used.")

    def __str__(self) -> str:
        return f"retention of organization {self.organization_id}"
