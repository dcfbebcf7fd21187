"""What we have set up, looked at and told at the git host of a project."""

from __future__ import annotations

from django.db import models

from builds.models.build import Build
from builds.models.project import Project


class StepName(models.TextChoices):
    """What is set up, in the order of the page, and the look at whether it still is."""

    HOOK = "hook", "Webhook"
    KEY = "key", "Deploy key"
    STATUS = "status", "Commit statuses"
    CHECK = "check", "Last look"


class StepState(models.TextChoices):
    """Where it stands."""

    WAITING = "waiting"
    DONE = "done"
    UNNEEDED = "unneeded"
    FAILED = "failed"


class HostingStep(models.Model):
    """One thing that we do at a project's git host; done again at a wish."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="hosting_steps")
    name = models.CharField(max_length=10, choices=StepName.choices)
    state = models.CharField(max_length=10, choices=StepState.choices, default=StepState.WAITING)
    note = models.TextField(blank=True, help_text="One sentence: what came of it, or what somebody has to do.")
    asked = models.PositiveIntegerField(default=0, help_text="How often it was asked for.")
    tried_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_hosting_step_a_name")]

    def __str__(self) -> str:
        return f"{self.name} of project {self.project_id}: {self.state}"


class ReportedStatus(models.Model):
    """What the git host was last told of one commit: a state that is told already is not told again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reported_statuses")
    commit = models.CharField(max_length=64)
    context = models.CharField(max_length=100)
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="reported_statuses")
    state = models.CharField(max_length=10, blank=True, help_text="Told; empty = nothing yet.")
    problem = models.TextField(blank=True, help_text="Why the newest state did not arrive.")
    tried_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "commit", "context"], name="one_status_a_commit_and_context")
        ]
        indexes = [
            models.Index(fields=["project", "tried_at"], condition=~models.Q(problem=""), name="status_not_told"),
        ]

    def __str__(self) -> str:
        return f"{self.context} of {self.commit[:7]}: {self.state}"
