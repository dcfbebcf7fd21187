"""Messages, as rows."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from builds.models import Build, Project
from notifications.models.rule import Channel, Event, Rule


class MessageState(models.TextChoices):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    DROPPED = "dropped"  # nobody to send it to
    DEAD = "dead"  # given up after many tries; shown to people


class Message(models.Model):
    """One message of a rule, or of what a person wishes for; the outbox delivers it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, null=True, related_name="messages")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="messages", help_text="Empty = the rule's."
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="messages", help_text="Who is told."
    )
    build = models.ForeignKey(Build, on_delete=models.SET_NULL, null=True, related_name="+")
    channel = models.CharField(
        max_length=10, blank=True, db_default="", choices=Channel.choices, help_text="Empty = the rule's."
    )
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
    answered = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The last answer's HTTP status.")
    milliseconds = models.PositiveIntegerField(null=True, blank=True, help_text="How long it took to come.")
    sent_again = models.PositiveIntegerField(default=0, db_default=0, help_text="How often a person asked for that.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "event", "about"], name="one_message_an_event"),
            models.UniqueConstraint(
                fields=["person", "channel", "event", "about"],
                condition=models.Q(rule=None),
                name="one_message_a_person",
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "-id"], name="message_newest"),
            models.Index(fields=["project", "-id"], name="message_newest_of_project"),
            models.Index(fields=["project"], condition=models.Q(state="dead"), name="message_dead"),
            models.Index(fields=["recipient", "created_at"], name="message_of_recipient"),
            models.Index(fields=["about"], name="message_about"),
        ]

    def __str__(self) -> str:
        return self.subject
