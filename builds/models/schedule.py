"""When a project is built without a push."""

from __future__ import annotations

from django.db import models

from builds.models.project import Project


class Schedule(models.Model):
    """One entry under `schedule` of the default branch's ciservice.yml."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="schedules")
    position = models.PositiveSmallIntegerField()
    cron = models.CharField(max_length=100)
    zone = models.CharField(max_length=64)
    branch = models.CharField(max_length=255, blank=True, help_text="Empty: the default branch.")
    pipelines = models.JSONField(default=list, help_text="Names of those that run; empty: all.")
    next_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.cron} {self.zone}"
