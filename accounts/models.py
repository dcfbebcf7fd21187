"""Users, organisations, memberships, API tokens and the audit log, as rows."""

from __future__ import annotations

import uuid
from typing import Any

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case, so that one person has one account."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A user who can log in with `email` and `password`; no password means no password log-in.

        Whoever calls this answers for the address: it counts as confirmed. Sign-up does not come this way.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            known = apps.get_model("account", "EmailAddress")
            known.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """An administrator of the whole instance."""
        return self.create_user(email, password, is_superuser=True, is_staff=True, **fields)

    def get_by_natural_key(self, email: str | None) -> User:
        """The user with this e-mail address, however it is capitalised."""
        return self.get(email=(email or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail address."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    gets_mail = models.BooleanField(default=True, db_default=True, help_text="False = no e-mail about builds at all.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()
    USERNAME_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_account_an_address")]

    def __str__(self) -> str:
        return self.name or self.email


class Organization(models.Model):
    """A team: it owns projects, and its members see them."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    concurrency = models.PositiveIntegerField(default=20, help_text="Jobs that may run at one time.")
    deleting_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is being deleted; empty = not.")
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="organizations")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; codeship.md section 9 has the table."""

    OWNER = "owner"
    MANAGER = "manager"
    PROJECT_MANAGER = "project_manager"
    CONTRIBUTOR = "contributor"


class Membership(models.Model):
    """One person in one organisation, with a role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.CONTRIBUTOR)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} as {self.role}"


class Team(models.Model):
    """Members who work on the same projects: a project that has teams is seen by these, by managers and by owners."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)
    role = models.CharField(
        max_length=20,
        choices=Role.choices,
        default=Role.CONTRIBUTOR,
        help_text="In the projects of the team, at least.",
    )
    members = models.ManyToManyField(User, related_name="teams", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), "organization", name="one_team_a_name")]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A way into an organisation for who reads mail at an address; the database knows only its token's SHA-256."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.CONTRIBUTOR)
    teams = models.ManyToManyField(Team, related_name="invitations", blank=True)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations_sent")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"


class ApiToken(models.Model):
    """A key to the API for one person; the database knows only its SHA-256, the person saw it once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, help_text="The only one it opens; empty = all."
    )
    scopes = models.JSONField(
        null=True, blank=True, help_text="What it may be used for; null = all that its person may."
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="Its first characters, to tell tokens apart.")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AlteredError(Exception):
    """Somebody tried to alter the audit log."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Entries of the audit log: they can be read and added, and go only with their organisation."""

    def update(self, **values: Any) -> int:
        """Never."""
        raise AlteredError("The audit log is not altered.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Never."""
        raise AlteredError("The audit log is not altered.")


class AuditEntry(models.Model):
    """Who changed what; written in the transaction of the change, never altered (PostgreSQL has a trigger for it)."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, related_name="audit_entries")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(
        null=True, blank=True, help_text="From where; empty = no request, or unknown."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="audit_newest"),
            models.Index(fields=["organization", "-id"], name="audit_by_id"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Once."""
        if not self._state.adding:
            raise AlteredError("The audit log is not altered.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Never."""
        raise AlteredError("The audit log is not altered.")


class Limit(models.Model):
    """How often something happened since its window began; a digest says what. services/limits.py counts."""

    digest = models.CharField(max_length=64, primary_key=True)
    taken = models.PositiveIntegerField()
    ends_at = models.BigIntegerField(db_index=True, help_text="Seconds since 1970.")

    def __str__(self) -> str:
        return f"{self.taken} until {self.ends_at}"


class CacheEntry(models.Model):
    """The table of Django's cache in the database: what web processes must know of together, such as codes used once."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key
