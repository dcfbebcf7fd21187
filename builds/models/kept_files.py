"""Files that outlive a job: artifacts of a build, and caches from build to build. Their bytes are in storage."""

from __future__ import annotations

import uuid

from django.db import models

from builds.models.job import Job
from builds.models.project import Project


class Artifact(models.Model):
    """One file that a job kept."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    path = models.CharField(max_length=1000, help_text="From the checkout, with `/`.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    storage_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["job", "path"], name="one_artifact_a_path")]
        indexes = [models.Index(fields=["created_at"], name="artifact_age")]

    def __str__(self) -> str:
        return self.path


class Cache(models.Model):
    """One bundle under its key. A branch sees its own and the default branch's, so that none can plant one for another."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="caches")
    branch = models.CharField(max_length=255)
    key = models.CharField(max_length=1000)
    size = models.PositiveBigIntegerField(help_text="Bytes in storage.")
    storage_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "branch", "key"], name="one_cache_a_key")]
        indexes = [
            models.Index(fields=["project", "branch", "-created_at"], name="cache_newest"),
            models.Index(fields=["used_at"], name="cache_idle"),
        ]

    def __str__(self) -> str:
        return self.key
