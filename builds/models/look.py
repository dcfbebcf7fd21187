"""What we saw when we last looked at a repository's branches: a push whose webhook never came shows by it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from builds.models.project import Project


class RepositoryLook(models.Model):
    """One project's branches as they stood, and when to look again."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="look")
    heads = models.JSONField(default=dict, help_text="Branch -> commit, as known or built.")
    moved = models.JSONField(
        default=dict, help_text="Branch -> commit that nobody told us of yet: built at the next look."
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(db_default=Now(), db_index=True)
    failures = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.project}: {len(self.heads)} branches"
