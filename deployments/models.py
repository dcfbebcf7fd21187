"""Environments, releases and deployments, as rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models

from accounts.models import Organization
from builds.models import Build, Job, Project
from deployments.states import BUSY, PENDING, DeploymentStatus


class Health(models.TextChoices):
    """What looking at a live environment says."""

    GOOD = "good"
    BAD = "bad"


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
    gates = models.JSONField(
        default=dict, db_default={}, help_text="builds.pipeline.delivery.Gates, as the branch in `source` has them."
    )
    url = models.CharField(max_length=500, blank=True, db_default="", help_text="Where people see what is live.")
    # Whether what is live still answers; "" = nobody looks.
    health = models.CharField(max_length=4, choices=Health.choices, blank=True, db_default="")
    health_reason = models.TextField(blank=True, db_default="")
    health_since = models.DateTimeField(null=True, blank=True)
    look_at = models.DateTimeField(null=True, blank=True, help_text="When it is looked at next.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_environment_a_name")]
        indexes = [
            models.Index(fields=["look_at"], condition=models.Q(look_at__isnull=False), name="environment_to_look_at"),
        ]

    def __str__(self) -> str:
        return self.name


class ImmutableError(Exception):
    """Somebody tried to alter what a release is."""


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Releases: nothing but the mark of what cannot be taken back ever changes."""

    def update(self, **values: Any) -> int:
        """Only `irreversible`; ImmutableError for all else."""
        check_mutable(values)
        return super().update(**values)


def check_mutable(names: Iterable[str]) -> None:
    """ImmutableError for fields of a release that make it what it is."""
    if frozen := set(names) - {"irreversible"}:
        raise ImmutableError(f"A release never changes: {', '.join(sorted(frozen))} cannot be set")


class Release(models.Model):
    """What is delivered: one passed build. Immutable; promotion takes the release, never a new build."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="releases")
    build = models.OneToOneField(Build, on_delete=models.RESTRICT, related_name="release")
    number = models.PositiveIntegerField()
    commit = models.CharField(max_length=64)
    images = models.JSONField(
        default=dict, db_default={}, help_text="What its build made or pulled: names and digests."
    )
    config_digest = models.CharField(max_length=64, blank=True, db_default="", help_text="SHA-256 of the plan.")
    irreversible = models.TextField(blank=True, db_default="", help_text="Why it cannot be taken back; empty = it can.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_release_a_number")]

    def __str__(self) -> str:
        return f"release {self.number}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Once; afterwards with `update_fields=["irreversible"]` alone."""
        if not self._state.adding:
            update_fields = list(update_fields or [field.name for field in self._meta.concrete_fields])
            check_mutable(update_fields)
        super().save(*args, update_fields=update_fields, **kwargs)


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
    override_reason = models.TextField(blank=True, db_default="", help_text="Why it goes outside the window.")
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When nobody may approve it any more.")
    held_until = models.DateTimeField(null=True, blank=True, help_text="When the window opens; empty = nobody knows.")
    paused_at = models.DateTimeField(null=True, blank=True, help_text="No further stage begins.")
    turning_back = models.TextField(
        blank=True, db_default="", help_text="Why it is to be taken back, once its job ends."
    )
    secrets = models.JSONField(
        default=dict, db_default={}, help_text="Names and keyed hashes of the secrets it went with."
    )
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


class StageKind(models.TextChoices):
    """What a stage does."""

    ROLLOUT = "rollout"
    ROLLBACK = "rollback"  # brings the release before it back


class Stage(models.Model):
    """One share of a deployment: its steps run, then it is looked at until it is right, and for as long as it bakes.

    The newest stage of a deployment is the one that it is in. Times tell how far it came.
    """

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="stages")
    number = models.PositiveSmallIntegerField(help_text="1 is the first.")
    kind = models.CharField(max_length=10, choices=StageKind.choices, default=StageKind.ROLLOUT)
    percent = models.FloatField(default=100.0)
    release = models.ForeignKey(Release, on_delete=models.RESTRICT, related_name="+", help_text="What it brings.")
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="stage")
    check_job = models.OneToOneField(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="checked_stage"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    rolled_out_at = models.DateTimeField(null=True, blank=True, help_text="Its steps passed; it is looked at.")
    right_at = models.DateTimeField(null=True, blank=True, help_text="Every probe and check was right; it bakes.")
    bakes_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    passed = models.BooleanField(null=True, help_text="How it ended.")
    reason = models.TextField(blank=True)
    look_at = models.DateTimeField(null=True, blank=True, help_text="When it is looked at next.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["deployment", "number"], name="one_stage_a_number")]
        indexes = [
            models.Index(fields=["look_at"], condition=models.Q(look_at__isnull=False), name="stage_to_look_at"),
        ]

    def __str__(self) -> str:
        return f"{self.percent:g} % of {self.deployment}"


class ProbeResult(models.Model):
    """What opening one address said last, of a stage or of a live environment; what failed stays until it is right."""

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, null=True, blank=True, related_name="probes")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, null=True, blank=True, related_name="probes")
    position = models.PositiveSmallIntegerField(help_text="Of the probe in the configuration.")
    url = models.TextField()
    is_right = models.BooleanField()
    was_right = models.BooleanField(default=False, help_text="At least once.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row, up to now.")
    tries = models.PositiveIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="What was wrong the last time that something was.")
    answer = models.TextField(blank=True, help_text="The beginning of that answer.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "position"], name="one_result_a_probe"),
            models.UniqueConstraint(fields=["environment", "position"], name="one_result_a_watch"),
        ]

    def __str__(self) -> str:
        return self.url


class ApprovalDecision(models.Model):
    """What one person said to one deployment; never altered."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="decisions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    who = models.CharField(max_length=254)
    approved = models.BooleanField()
    comment = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deployment", "user"], name="one_decision_a_person")]

    def __str__(self) -> str:
        return f"{self.who}: {'yes' if self.approved else 'no'} to {self.deployment}"


class Freeze(models.Model):
    """A time in which nothing goes to one environment, or to any of an organisation."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="freezes")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, null=True, blank=True, related_name="freezes", help_text="Empty = all."
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["organization", "ends_at"], name="freeze_coming")]

    def __str__(self) -> str:
        return self.reason


class HealthMove(models.Model):
    """A live environment became good or bad."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="health_moves")
    went_to = models.CharField(max_length=4, choices=Health.choices)
    release = models.ForeignKey(Release, on_delete=models.SET_NULL, null=True, related_name="+")
    reason = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["environment", "-at"], name="health_newest")]

    def __str__(self) -> str:
        return f"{self.environment} is {self.went_to}"


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
