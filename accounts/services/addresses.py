"""E-mail addresses of people beside the one they log in with: allauth keeps them, with whether they were confirmed."""

from __future__ import annotations

from allauth.account.models import EmailAddress

from accounts.models import User


def know(user: User) -> None:
    """Take the address of `user` for confirmed where nothing is known of it: an administrator made them, or a release before."""
    if not EmailAddress.objects.filter(user=user).exists():
        taken = EmailAddress.objects.filter(email=user.email, verified=True).exists()
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"primary": True, "verified": not taken}
        )


def is_another_persons(email: str, user: User) -> bool:
    """Whether somebody else logs in with `email`, or has confirmed it."""
    email = email.strip().lower()
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        return True
    return bool(EmailAddress.objects.filter(email=email, verified=True).exclude(user=user).exists())
