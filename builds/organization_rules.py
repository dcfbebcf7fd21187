"""Who may make organisations on this instance."""

from __future__ import annotations

from django.conf import settings

from accounts.models import User


def may_create(user: User) -> bool:
    """Whether `user` may make organisations."""
    return settings.ORGANIZATIONS == "anybody" or user.is_superuser
