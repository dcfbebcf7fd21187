"""What a git host told last of a pull or merge request: so that words that come late change nothing."""

from __future__ import annotations

from django.db import models

from builds.models.project import Project


class PullRequest(models.Model):
    """One pull request of a project whose pull requests are built."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pull_requests")
    number = models.PositiveIntegerField()
    is_open = models.BooleanField()
    commit = models.CharField(max_length=64, blank=True, help_text="Its head; Bitbucket tells the first 12 digits.")
    told_at = models.DateTimeField(null=True, blank=True, help_text="The host's own time of what was told last.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_pull_request_a_number")]

    def __str__(self) -> str:
        return f"{self.project} pull request {self.number}"
