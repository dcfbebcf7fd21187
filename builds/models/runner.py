"""A runner as the server sees it: who is alive, what it can do."""

from __future__ import annotations

from django.db import models


class Runner(models.Model):
    """One runner process; its row is its pulse."""

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

    def __str__(self) -> str:
        return self.name
