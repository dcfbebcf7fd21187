"""A project: one repository of an organisation, and its settings."""

from __future__ import annotations

import secrets
import uuid

from django.db import models

from accounts.models import Organization, Team
from builds.models.connection import Connection, Forks, Provider
from builds.models.sealed import SealedField


def new_hook_secret() -> str:
    """A fresh secret for signing webhooks: 256 random bits."""
    return secrets.token_urlsafe(32)


class ProjectManager(models.Manager["Project"]):
    """The projects that are there: those that are being deleted are not."""

    def get_queryset(self) -> models.QuerySet[Project]:
        """All but those."""
        return super().get_queryset().filter(deleting_at=None)


class Project(models.Model):
    """One repository of an organisation."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=140, help_text="As people say it: owner/repository.")
    provider = models.CharField(max_length=20, choices=Provider.choices, default=Provider.GENERIC)
    repository_url = models.CharField(max_length=500)
    default_branch = models.CharField(max_length=255, default="main")
    hook_secret = SealedField(default=new_hook_secret)
    ssh_private_key = SealedField(blank=True)
    ssh_public_key = models.TextField(blank=True)
    supersede = models.BooleanField(default=False, help_text="A newer push cancels waiting builds of its branch.")
    supersede_running = models.BooleanField(default=False, help_text="… and running ones.")
    timeout_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="For a build; empty = the instance's."
    )
    silence_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Without output; empty = the instance's."
    )
    teams = models.ManyToManyField(Team, related_name="projects", blank=True)
    connection = models.ForeignKey(
        Connection, on_delete=models.SET_NULL, null=True, blank=True, related_name="projects"
    )
    repository_id = models.CharField(max_length=200, blank=True, db_default="", help_text="The git host's own.")
    repository_name = models.CharField(
        max_length=300, blank=True, db_default="", help_text="As the host says: owner/name."
    )
    hook_id = models.CharField(
        max_length=100, blank=True, db_default="", help_text="Of the webhook that we made there."
    )
    deploy_key_id = models.CharField(
        max_length=100, blank=True, db_default="", help_text="Of the key that we put there."
    )
    hosting_problem = models.TextField(
        blank=True, db_default="", help_text="What the git host refused, and what to do; empty = nothing."
    )
    reports_statuses = models.BooleanField(default=True, db_default=True)
    status_context = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="What a commit status is called; empty = as the instance has it.",
    )
    forks = models.CharField(max_length=10, choices=Forks.choices, default=Forks.HOLD, db_default=Forks.IGNORE)
    pull_requests_only = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Branches are built where a pull request asks for it, beside the default branch.",
    )
    deleting_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is being deleted; empty = not.")
    last_build_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectManager()
    every = models.Manager()  # noqa: DJ012  # a manager, too

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="one_project_a_name")]
        indexes = [
            models.Index(
                fields=["deleting_at"], condition=models.Q(deleting_at__isnull=False), name="project_to_delete"
            )
        ]

    def __str__(self) -> str:
        return self.name
