"""Whether a person logs in with a second factor."""

from __future__ import annotations

from allauth.mfa.models import Authenticator

from accounts.models import User


def has_two_factors(user: User) -> bool:
    """Whether a password alone does not let them in."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def codes_left(user: User) -> int | None:
    """How many recovery codes are unused; None where there are none at all."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(found.wrap().get_unused_codes()) if found else None
