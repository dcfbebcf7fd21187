"""A job: one pipeline of a build, or the steps of a deployment, to be run by one runner. The row is the queue."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization
from builds.models.build import Build
from builds.states import FINAL, Status


class JobKind(models.TextChoices):
    """What a job is for; a lost deployment is never tried again by itself."""

    PIPELINE = "pipeline"
    DEPLOYMENT = "deployment"
    CHECK = "check"  # looks whether a deployment is right, and changes nothing


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs, asked for in the words of the domain."""

    def pipelines(self) -> JobQuerySet:
        """Jobs that decide the build's state."""
        return self.filter(kind=JobKind.PIPELINE)

    def unfinished(self) -> JobQuerySet:
        """Jobs that can still change."""
        return self.exclude(status__in=FINAL)


class Job(models.Model):
    """Ownership is (job, epoch): every claim and every reap raises the epoch, every write of a runner carries it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="jobs")
    # Kept here too, so that a claim is fair between organisations without a join.
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=JobKind.choices, default=JobKind.PIPELINE)
    name = models.CharField(max_length=200)
    position = models.PositiveSmallIntegerField(default=0)
    spec = models.JSONField(help_text="A PipelineSpec as JSON: self-contained and immutable.")
    variables = models.JSONField(
        default=dict, help_text="Plain variables beside the build's own: CI_ENVIRONMENT and the like."
    )
    labels = models.CharField(
        max_length=500, blank=True, help_text="Sorted, joined by commas: what a runner must have."
    )
    priority = models.SmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    reason = models.TextField(blank=True)
    may_fail = models.BooleanField(default=False, db_default=False, help_text="Its build passes though it fails.")
    notes = models.TextField(blank=True, db_default="", help_text="What became of artifacts and caches, a line each.")
    record = models.JSONField(
        null=True, blank=True, help_text="What the newest ended attempt ran with; see services/record_of.py."
    )
    failure = models.CharField(max_length=20, blank=True, help_text="runners.contract.Failure")
    epoch = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    owner = models.CharField(max_length=200, blank=True, help_text="The runner's name.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(
        null=True, blank=True, help_text="The server ends it then, whatever the runner says."
    )
    # When it joined the queue, or may join it again: jobs of equal priority go in this order. The database's clock.
    not_before = models.DateTimeField(db_default=Now())
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        indexes = [
            # One lane for each set of labels and organisation; a claim looks at the head of each (services/lanes.py).
            models.Index(
                fields=["labels", "organization", "-priority", "not_before", "id"],
                condition=models.Q(status="queued"),
                name="job_lanes",
            ),
            models.Index(fields=["lease_expires_at"], condition=models.Q(status="running"), name="job_leased"),
            models.Index(fields=["organization"], condition=models.Q(status="running"), name="job_busy"),
        ]

    def __str__(self) -> str:
        return f"{self.build} {self.name}"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self.status in FINAL


class JobMove(models.Model):
    """One change of a job's state: the history, with every lost attempt."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="moves")
    came_from = models.CharField(max_length=10, blank=True)
    went_to = models.CharField(max_length=10)
    attempt = models.PositiveSmallIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.came_from} -> {self.went_to}"
