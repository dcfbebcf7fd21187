"""What people wish to hear themselves, as rows."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from builds.models import Project
from builds.models.sealed import SealedField


class Level(models.TextChoices):
    """How much somebody wants to hear of a project."""

    RULES = "rules", "what the project's rules send me"
    OWN = "own", "my own builds only"
    ALL = "all", "every build and deployment"
    NOTHING = "nothing", "nothing"


class Wish(models.Model):
    """What one person wishes everywhere; whoever has none gets what the rules send."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wish")
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.RULES)
    events = models.JSONField(null=True, blank=True, help_text="Of every build: names of Event; null = the usual ones.")
    by_mail = models.BooleanField(default=True)
    by_push = models.BooleanField(default=True, help_text="To the browsers that they chose.")
    digest = models.BooleanField(default=False, help_text="A mail a day of what happened.")
    digest_hour = models.PositiveSmallIntegerField(default=8)
    zone = models.CharField(max_length=64, default="UTC", help_text="Of the IANA database.")
    digest_on = models.DateField(null=True, blank=True, help_text="The last day that was told, in their zone.")

    def __str__(self) -> str:
        return f"{self.user}: {self.get_level_display()}"


class ProjectWish(models.Model):
    """What one person wishes to hear of one project, whatever they wish elsewhere."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_wishes")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="wishes")
    level = models.CharField(max_length=10, choices=Level.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="one_wish_a_project")]

    def __str__(self) -> str:
        return f"{self.user} of {self.project}: {self.get_level_display()}"


class Refusal(models.Model):
    """An address of nobody here that wants no mail of a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="refusals")
    address = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "address"], name="one_refusal_an_address")]

    def __str__(self) -> str:
        return f"{self.address} of {self.project}"


class Browser(models.Model):
    """A browser of a person that shows messages: where its push service takes them, and the keys that only it has."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browsers")
    name = models.CharField(max_length=100, help_text="As people know it: Firefox on Linux.")
    endpoint = SealedField(help_text="Whoever knows it can try to reach the browser.")
    digest = models.CharField(max_length=64, unique=True, help_text="Of the endpoint.")
    key = models.CharField(max_length=200, help_text="p256dh, base64url.")
    auth = SealedField(help_text="Shared with the browser, base64url.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class InstanceKey(models.Model):
    """A key pair that this service made for itself, once."""

    name = models.CharField(max_length=40, unique=True)
    value = SealedField()

    def __str__(self) -> str:
        return self.name
