"""Where repositories live, and an organisation's way in there."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models import Organization
from builds.models.sealed import SealedField


class Provider(models.TextChoices):
    """Where the repository lives, and so what its webhooks look like."""

    GENERIC = "generic", "Any git server"
    GITHUB = "github", "GitHub"
    GITLAB = "gitlab", "GitLab"
    BITBUCKET = "bitbucket", "Bitbucket Cloud"
    BITBUCKET_SERVER = "bitbucket_server", "Bitbucket Server"
    GITEA = "gitea", "Gitea or Forgejo"


class Forks(models.TextChoices):
    """What becomes of a pull request from somebody else's repository."""

    IGNORE = "ignore", "are not built"
    HOLD = "hold", "wait until a manager approves the commit"
    BUILD = "build", "are built without secrets"


class Connection(models.Model):
    """An organisation's way to the API of a git host: a person's or group's token, or GitHub's App."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="connections")
    provider = models.CharField(max_length=20, choices=Provider.choices)
    url = models.CharField(max_length=300, help_text="The host's address, such as https://gitlab.com.")
    account = models.CharField(max_length=200, blank=True, help_text="Whose token it is, as the host says.")
    token = SealedField(blank=True)
    app_id = models.CharField(max_length=40, blank=True, help_text="Of a GitHub App.")
    app_key = SealedField(blank=True, help_text="Of a GitHub App: its private key (PEM).")
    installation_id = models.CharField(max_length=40, blank=True, help_text="Of a GitHub App.")
    problem = models.TextField(blank=True, help_text="Why the host does not let us in; empty = it does.")
    checked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Of the token, where the host tells.")
    quiet_until = models.DateTimeField(null=True, blank=True, help_text="The host wants no calls before.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.account or 'token'} at {self.url}"
