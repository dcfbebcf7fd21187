"""Rules and messages, as rows."""

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
    TEST = "test"  # asked for by a person; no rule names it


RULE_EVENTS = tuple(event for event in Event if event != Event.TEST)


class Channel(models.TextChoices):
    """How a message goes out."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack-compatible hook"


class Rule(models.Model):
    """Tell somebody when something happens in a project."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notification_rules")
    events = models.JSONField(default=list, help_text="Names of Event.")
    branch = models.CharField(
        max_length=255, blank=True, help_text="A name, or a pattern with *; empty = every branch."
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    target = SealedField(help_text="An address, `committer`, `approvers`, or the hook's URL (a secret).")
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


class MessageState(models.TextChoices):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    DROPPED = "dropped"  # nobody to send it to
    DEAD = "dead"  # given up after many tries; shown to people


class Message(models.Model):
    """One message of one rule; the outbox delivers it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="messages")
    event = models.CharField(max_length=20, choices=Event.choices)
    about = models.UUIDField(help_text="The build, deployment or change of health it is about.")
    thread = models.CharField(max_length=200, blank=True, help_text="Messages with one thread belong together.")
    recipient = models.CharField(max_length=254, blank=True, help_text="An e-mail's; empty: the rule's target.")
    subject = models.CharField(max_length=200, help_text="One line, nothing but printable characters.")
    sentence = models.TextField(help_text="What happened: the verdict.")
    details = models.TextField(help_text="Where: branch, commit, author, a fact a line.")
    excerpt = models.TextField(blank=True, help_text="The failing lines.")
    link = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=MessageState.choices, default=MessageState.PENDING)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "event", "about"], name="one_message_an_event"),
        ]
        indexes = [models.Index(fields=["rule", "-id"], name="message_newest")]

    def __str__(self) -> str:
        return self.subject
