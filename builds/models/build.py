"""A build: one push to one project, and what came of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from builds.models.project import Project
from builds.states import FINAL, Status


class Trigger(models.TextChoices):
    """What asked for a build."""

    PUSH = "push"
    TAG = "tag"
    PULL_REQUEST = "pull_request"
    MANUAL = "manual"
    RESTART = "restart"
    SCHEDULE = "schedule"


class BuildQuerySet(models.QuerySet["Build"]):
    """Builds, asked for in the words of the domain."""

    def of_branch(self, branch: str) -> BuildQuerySet:
        """Builds of one branch."""
        return self.filter(branch=branch)

    def unfinished(self) -> BuildQuerySet:
        """Builds that can still change."""
        return self.exclude(status__in=FINAL)


class Build(models.Model):
    """One commit to be checked. Its status is a pure function of its pipelines' jobs once they exist."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="builds")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    reason = models.TextField(blank=True, help_text="One sentence: why it stands where it stands.")
    trigger = models.CharField(max_length=20, choices=Trigger.choices, default=Trigger.PUSH)
    ref = models.CharField(max_length=300, help_text="refs/heads/main, refs/tags/v1, refs/pull/7/head")
    branch = models.CharField(max_length=255, help_text="The branch, or the tag's name: CI_BRANCH.")
    commit = models.CharField(max_length=64)
    described = models.CharField(max_length=300, blank=True, help_text="What git describe calls the commit.")
    message = models.TextField(blank=True)
    author_name = models.CharField(max_length=200, blank=True)
    author_email = models.CharField(max_length=254, blank=True)
    author_username = models.CharField(max_length=100, blank=True)
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    pull_request_url = models.CharField(max_length=500, blank=True)
    from_fork = models.BooleanField(default=False, help_text="From somebody else's repository: gets no secrets.")
    fork_url = models.CharField(
        max_length=500, blank=True, db_default="", help_text="Where its commit is, if not in the project's repository."
    )
    is_held = models.BooleanField(
        default=False, db_default=False, help_text="Nothing of it is read before a person approved this commit."
    )
    is_late = models.BooleanField(
        default=False, db_default=False, help_text="Its branch had moved on before we were told: it is not the newest."
    )
    restart_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="restarts")
    exactly = models.BooleanField(
        default=False, db_default=False, help_text="Runs what `restart_of` ran, exactly; it deploys nothing by itself."
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    only = models.JSONField(null=True, blank=True, help_text="Names of the pipelines that were asked for; null = all.")
    plan = models.JSONField(null=True, blank=True, help_text="The resolved plan, as builds.pipeline.plan writes it.")
    planned_at = models.DateTimeField(null=True, blank=True)
    plan_attempts = models.PositiveSmallIntegerField(default=0)
    plan_not_before = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = BuildQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_build_a_number")]
        indexes = [
            models.Index(fields=["project", "-number"], name="build_newest"),
            models.Index(fields=["project", "branch", "-number"], name="build_newest_of_branch"),
            models.Index(fields=["project", "status", "-number"], name="build_newest_of_status"),
            models.Index(fields=["project", "author_email", "-number"], name="build_newest_of_author"),
            models.Index(fields=["commit"], name="build_commit"),
            models.Index(
                fields=["created_at"], condition=models.Q(status="queued", planned_at=None), name="build_unplanned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} #{self.number}"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self.status in FINAL


class BuildMove(models.Model):
    """One change of a build's state: the history."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="moves")
    came_from = models.CharField(max_length=10, blank=True)
    went_to = models.CharField(max_length=10)
    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(
        max_length=200, blank=True, help_text="A person's e-mail, a runner's name, or what of ours did it."
    )
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.came_from} -> {self.went_to}"
