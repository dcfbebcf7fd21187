"""Environments, releases and deployments, as rows."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from builds.models import Build, Job, Project
from deployments.states import BUSY, PENDING, DeploymentStatus


class Environment(models.Model):
    """A place that releases go to: staging, production."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order of promotion.")
    branch = models.CharField(max_length=255, blank=True, help_text="As the newest plan of the default branch has it.")
    after = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=255, blank=True, help_text="The branch whose configuration defines it.")
    retired = models.BooleanField(default=False, help_text="No longer in the configuration; kept for its history.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_environment_a_name")]

    def __str__(self) -> str:
        return self.name


class Release(models.Model):
    """What is delivered: one passed build. Immutable; promotion takes the release, never a new build."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="releases")
    build = models.OneToOneField(Build, on_delete=models.RESTRICT, related_name="release")
    number = models.PositiveIntegerField()
    commit = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_release_a_number")]

    def __str__(self) -> str:
        return f"release {self.number}"


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Deployments, asked for in the words of the domain."""

    def busy(self) -> DeploymentQuerySet:
        """Those that keep their environment from taking another."""
        return self.filter(status__in=BUSY)

    def pending(self) -> DeploymentQuerySet:
        """Those whose turn has not come."""
        return self.filter(status__in=PENDING)

    def live(self) -> DeploymentQuerySet:
        """What runs, as far as we know."""
        return self.filter(status=DeploymentStatus.LIVE)


class Deployment(models.Model):
    """One release on its way to one environment, at most once."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="deployments")
    release = models.ForeignKey(Release, on_delete=models.RESTRICT, related_name="deployments")
    status = models.CharField(max_length=12, choices=DeploymentStatus.choices, default=DeploymentStatus.REQUESTED)
    reason = models.TextField(blank=True)
    automatic = models.BooleanField(default=True, help_text="Asked for by a passed build or a promotion.")
    is_rollback = models.BooleanField(default=False, help_text="Brings an earlier release back.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    request_reason = models.TextField(blank=True)
    previous = models.ForeignKey(Release, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="deployment")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    live_at = models.DateTimeField(null=True, blank=True, help_text="Since when it was, or is, what runs there.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When its steps ended, or it was given up.")

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(status__in=["rolling_out", "verifying", "rolling_back", "unknown"]),
                name="one_deployment_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["environment"], condition=models.Q(status="live"), name="one_live_deployment"
            ),
            # A build that passes twice in the eyes of a doubled message still deploys once.
            models.UniqueConstraint(
                fields=["environment", "release"],
                condition=models.Q(automatic=True),
                name="one_automatic_deployment",
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "-id"], name="deployment_newest"),
            models.Index(
                fields=["environment"],
                condition=models.Q(status__in=["requested", "rolling_out"]),
                name="deployment_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release} to {self.environment}"


class DeploymentMove(models.Model):
    """One change of a deployment's state: the history."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="moves")
    came_from = models.CharField(max_length=12, blank=True)
    went_to = models.CharField(max_length=12)
    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.came_from} -> {self.went_to}"

    @property
    def words(self) -> str:
        """The state it went to, for people."""
        return DeploymentStatus(self.went_to).label.lower()
