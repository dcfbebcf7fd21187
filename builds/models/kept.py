"""Pipelines that are kept here, for a repository without a configuration file."""

from __future__ import annotations

from django.db import models

from builds.models.project import Project


class KeptPipelines(models.Model):
    """What a project's page keeps instead of a file; a file in the repository goes before it."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="kept_pipelines")
    data = models.JSONField(help_text="builds.pipeline.basic.Kept as JSON.")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"pipelines of {self.project}"
