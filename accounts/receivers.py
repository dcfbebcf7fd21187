"""What follows from news of allauth: who may get in is a matter of record."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.seen import SEEN_AT
from accounts.services.audit import record
from accounts.services.sessions import end_other_sessions


@receiver(account.user_logged_in)
def a_session_begins_to_be_seen(request: HttpRequest, **_: Any) -> None:
    """Its row is made by allauth; when it is used is noted from now on."""
    request.session[SEEN_AT] = int(time.time())


@receiver(account.user_signed_up)
def a_new_person_is_noted(user: User, **_: Any) -> None:
    """Somebody signed up."""
    record("account.made", user.email, user=user)


@receiver(account.password_reset)
def a_new_password_ends_every_session(user: User, **_: Any) -> None:
    """Whoever forgot it chose another."""
    record("password.reset", user.email, user=user)
    end_other_sessions(user, None)


@receiver(account.email_confirmed)
def a_confirmed_address_is_noted(email_address: Any, **_: Any) -> None:
    """Somebody reads mail there."""
    record("address.confirmed", email_address.email, user=email_address.user)


@receiver(account.email_changed)
def another_address_to_log_in_is_noted(user: User, to_email_address: Any, **_: Any) -> None:
    """They log in with another one."""
    record("address.changed", to_email_address.email, user=user)


@receiver(account.email_removed)
def an_address_taken_away_is_noted(user: User, email_address: Any, **_: Any) -> None:
    """It is not theirs any more."""
    record("address.removed", email_address.email, user=user)


@receiver(mfa.authenticator_added)
def a_second_factor_is_noted(user: User, authenticator: Authenticator, **_: Any) -> None:
    """A TOTP secret, or recovery codes."""
    record("factor.added", authenticator.type, user=user)


@receiver(mfa.authenticator_removed)
def a_second_factor_taken_away_is_noted(user: User, authenticator: Authenticator, **_: Any) -> None:
    """A password is enough again."""
    record("factor.removed", authenticator.type, user=user)


@receiver(mfa.authenticator_reset)
def new_recovery_codes_are_noted(user: User, authenticator: Authenticator, **_: Any) -> None:
    """The old ones work no more."""
    record("factor.replaced", authenticator.type, user=user)


@receiver(social.social_account_added)
def a_connection_is_noted(sociallogin: Any, **_: Any) -> None:
    """An account elsewhere lets in."""
    record("connection.added", sociallogin.account.provider, user=sociallogin.user)


@receiver(social.social_account_removed)
def a_connection_taken_away_is_noted(socialaccount: Any, **_: Any) -> None:
    """It lets in no more."""
    record("connection.removed", socialaccount.provider, user=socialaccount.user)
