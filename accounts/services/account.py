"""Changes of a person's own account."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services.audit import record


def rename(user: User, name: str) -> None:
    """Set the name that others see."""
    user.name = name
    user.save(update_fields=["name"])


def set_gets_mail(user: User, gets_mail: bool) -> None:
    """Set whether e-mails about builds come at all."""
    user.gets_mail = gets_mail
    user.save(update_fields=["gets_mail"])


def change_password(user: User, password: str) -> None:
    """Set a new password, which ends every other session of `user`."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        record("password.changed", user.email, user=user)
