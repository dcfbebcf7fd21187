"""The letters about accounts: their words, and how one is made. Whoever sends hears of it by a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.signals import letter_written


@dataclass(frozen=True)
class Letter:
    """An e-mail, ready to be sent."""

    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Words:
    """Of one kind of letter. `link` names a value of the context or a page; "" = no link."""

    subject: str
    says: str
    link: str = ""
    label: str = ""
    ends: str = ""


_NOT_YOU = "If that was not you, change your password and end the sessions on your account page."
_IGNORE = "If you did not ask for this, there is nothing to do."

WORDS: dict[str, Words] = {
    "account/email/email_confirmation_signup": Words(
        "Confirm your address",
        "Welcome to ciservice. Confirm that {email} is yours, and you are in.",
        "activate_url",
        "Confirm the address",
        _IGNORE,
    ),
    "account/email/email_confirmation": Words(
        "Confirm your address",
        "{email} was added to an account of ciservice. Confirm that it is yours.",
        "activate_url",
        "Confirm the address",
        _IGNORE,
    ),
    "account/email/account_already_exists": Words(
        "You have an account already",
        "Somebody, probably you, wanted to sign up with {email}, which has an account. You may log in; "
        "a password that you forgot you can choose anew there.",
        "login",
        "Log in",
        _IGNORE,
    ),
    "account/email/password_reset_key": Words(
        "Choose a new password",
        "Somebody, probably you, forgot the password of {email}. The link works for an hour, and once.",
        "password_reset_url",
        "Choose a new password",
        _IGNORE,
    ),
    "account/email/unknown_account": Words(
        "No account with this address",
        "Somebody, probably you, wanted a new password for {email}, but no account here has this address. "
        "You may have signed up with another one.",
        "account_reset_password",
        "Try another address",
        _IGNORE,
    ),
    "account/email/email_changed": Words(
        "Your address was changed", "Your account's address was {from_email} and is {to_email} now.", ends=_NOT_YOU
    ),
    "account/email/email_deleted": Words(
        "An address was removed", "{deleted_email} was removed from your account.", "account", "Your account", _NOT_YOU
    ),
    "account/email/password_changed": Words(
        "Your password was changed", "The password of {email} was changed.", "account", "Your account", _NOT_YOU
    ),
    "account/email/password_reset": Words(
        "Your password was changed",
        "A new password was chosen for {email}, through a letter that we sent to it.",
        "account",
        "Your account",
        _NOT_YOU,
    ),
    "mfa/email/totp_activated": Words(
        "Two-factor authentication is on",
        "Logging in as {email} needs a code of your authenticator app now. Keep the recovery codes.",
        "account",
        "Your account",
        _NOT_YOU,
    ),
    "mfa/email/totp_deactivated": Words(
        "Two-factor authentication is off",
        "Logging in as {email} needs the password alone now.",
        "account",
        "Your account",
        _NOT_YOU,
    ),
    "mfa/email/recovery_codes_generated": Words(
        "New recovery codes",
        "New recovery codes were made for {email}; the old ones work no more.",
        "account",
        "Your account",
        _NOT_YOU,
    ),
    "socialaccount/email/account_connected": Words(
        "An account was connected",
        "An account at {provider} was connected to {email} and lets you in from now on.",
        "account",
        "Your account",
        _NOT_YOU,
    ),
    "socialaccount/email/account_disconnected": Words(
        "An account was disconnected",
        "An account at {provider} was disconnected from {email}.",
        "account",
        "Your account",
        _NOT_YOU,
    ),
}


def send(kind: str, to: str, context: dict[str, Any]) -> None:
    """Write the letter of this kind to one address and say that it is there."""
    letter_written.send(Letter, letter=write(WORDS[kind], to, context))


def write(words: Words, to: str, context: dict[str, Any]) -> Letter:
    """The letter; values of the context go into the words, never into a header but the subject."""
    values = {"email": to, **{name: str(value) for name, value in context.items()}}
    shown = {
        "subject": words.subject,
        "says": words.says.format_map(values),
        "link": _link(words.link, values),
        "label": words.label,
        "ends": words.ends,
        "house": settings.PUBLIC_URL,
    }
    return Letter(
        to,
        f"{words.subject} · ciservice",
        render_to_string("accounts/letter.txt", shown),
        render_to_string("accounts/letter.html", shown),
    )


def _link(name: str, values: dict[str, str]) -> str:
    return values.get(name) or (f"{settings.PUBLIC_URL}{reverse(name)}" if name else "")
