"""What an organisation or a project gives to its jobs beside the repository: secrets, files and plain variables."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Organization
from accounts.sealing import SealedField
from builds.models.project import Project


class SecretKind(models.TextChoices):
    """How a job is given it. Every value is sealed at rest; a plain variable's alone is shown again."""

    SECRET = "secret", "Secret"
    FILE = "file", "Secret file"
    VARIABLE = "variable", "Plain variable"


class Secret(models.Model):
    """A variable of jobs. Whose: of one project, or of an organisation; `environment` and `branch` narrow it down."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="secrets"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="secrets")
    projects = models.ManyToManyField(
        Project, related_name="+", blank=True, help_text="Of an organisation's: those that get it; none = all."
    )
    environment = models.CharField(
        max_length=100, blank=True, db_default="", help_text="Whose deployments alone are given it; empty = every job."
    )
    branch = models.CharField(
        max_length=200, blank=True, db_default="", help_text="A branch, a pattern, or tag:pattern; empty = every one."
    )
    name = models.CharField(max_length=200)
    kind = models.CharField(
        max_length=10, choices=SecretKind.choices, default=SecretKind.SECRET, db_default=SecretKind.SECRET
    )
    value = SealedField()
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="Empty = set before this was written down.")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    given_at = models.DateTimeField(null=True, blank=True, help_text="When a job was given it last, by about 10 s.")
    given_to = models.ForeignKey(
        "builds.Job", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "environment", "branch", "name"], name="one_secret_a_place"),
            models.UniqueConstraint(
                fields=["organization", "environment", "branch", "name"], name="one_organization_secret_a_place"
            ),
            models.CheckConstraint(
                condition=Q(project=None, organization__isnull=False) | Q(project__isnull=False, organization=None),
                name="secret_has_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SecretsGiven(models.Model):
    """That an attempt at a job was given secrets: by name, and where each was from. Never altered."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    job = models.ForeignKey("builds.Job", on_delete=models.CASCADE, related_name="secrets_given", db_index=False)
    attempt = models.PositiveSmallIntegerField()
    runner = models.CharField(max_length=200)
    given = models.JSONField(help_text="[[name, where from], …]")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "attempt"], name="one_giving_an_attempt")]
        indexes = [models.Index(fields=["project", "-at"], name="secrets_given_newest")]

    def __str__(self) -> str:
        return f"secrets of job {self.job_id}, attempt {self.attempt}"
