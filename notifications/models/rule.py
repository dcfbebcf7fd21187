"""What people can be told, by which ways, and the rules of projects that say so."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from builds.models import Project
from builds.models.sealed import SealedField


class Event(models.TextChoices):
    """What a rule listens to."""

    STARTED = "started"
    PASSED = "passed"
    FAILED = "failed"
    RECOVERED = "recovered"
    DEPLOYED = "deployed"
    DEPLOY_FAILED = "deploy_failed", "deployment failed"
    APPROVAL = "approval", "approval needed"
    HELD = "held", "held outside its window"
    ROLLED_BACK = "rolled_back", "rolled back"
    UNHEALTHY = "unhealthy", "unhealthy after the release"
    HEALTHY = "healthy", "healthy again"
    BUDGET = "budget", "over its budget of time"
    HOSTING = "hosting", "trouble with the git host"
    TEST = "test"  # asked for by a person; no rule names it


RULE_EVENTS = tuple(event for event in Event if event != Event.TEST)


class Channel(models.TextChoices):
    """How a message goes out."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack, or a hook like Slack's"
    DISCORD = "discord", "Discord"
    TEAMS = "teams", "Microsoft Teams"
    MATTERMOST = "mattermost", "Mattermost"
    WEBHOOK = "webhook", "Webhook (JSON, signed)"
    APPRISE = "apprise", "Another service (by an Apprise address)"
    PUSH = "push", "Web push"  # to people alone, never to a rule's target


RULE_CHANNELS = tuple(channel for channel in Channel if channel != Channel.PUSH)


class Rule(models.Model):
    """Tell somebody when something happens in a project."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notification_rules")
    events = models.JSONField(default=list, help_text="Names of Event.")
    branch = models.CharField(
        max_length=255, blank=True, help_text="A name, or a pattern with *; empty = every branch."
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    target = SealedField(
        help_text="An address, `committer`, `approvers`, `members`, `team:<uuid>`, or the hook's URL (a secret)."
    )
    secret = SealedField(blank=True, db_default="", help_text="What a webhook is signed with.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(default=timezone.now, help_text="It says nothing of what happened before.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.channel} on {self.when}"

    @property
    def when(self) -> str:
        """The events in words."""
        return ", ".join(Event(event).label.lower() for event in self.events if event in Event.values)
