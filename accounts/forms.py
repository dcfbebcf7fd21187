"""What people fill in on their account page: their name, their password, whether they get mail, a new token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from accounts.models import Organization, User
from accounts.scopes import Scope


class NameForm(forms.Form):
    """The name that others see."""

    display_name = forms.CharField(
        label="Name", max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class MailForm(forms.Form):
    """Whether a person gets mail about builds."""

    gets_mail = forms.BooleanField(
        label="E-mails about builds and deployments",
        required=False,
        help_text="Off: whatever the rules of projects say, none comes. Letters about your account still do.",
    )


class PasswordForm(forms.Form):
    """A new password, for who knows the old one."""

    old = forms.CharField(
        label="Password now",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label="New password",
        strip=False,
        max_length=4096,
        help_text="At least 10 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        if not user.has_usable_password():  # who came through a git host has none yet
            del self.fields["old"]

    def clean_old(self) -> str:
        """The password now, checked."""
        old: str = self.cleaned_data["old"]
        if not self._user.check_password(old):
            raise forms.ValidationError("This is not your password.")
        return old

    def clean_new(self) -> str:
        """The new one, good enough."""
        new: str = self.cleaned_data["new"]
        validate_password(new, self._user)
        return new


class TokenForm(forms.Form):
    """What a new API token is called and how long it lives."""

    name = forms.CharField(label="Name", max_length=100, help_text="What it is for: laptop, deploy script.")
    days = forms.TypedChoiceField(
        label="Valid for",
        help_text="Then it lets nobody in any more.",
        coerce=int,
        initial=90,
        choices=[(30, "30 days"), (90, "90 days"), (365, "a year"), (0, "until it is revoked")],
    )
    organization = forms.ModelChoiceField(
        Organization.objects.none(),
        label="Organisation",
        required=False,
        empty_label="all of mine",
        help_text="The only one that it opens.",
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        label="Good for",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing chosen: for everything that you may do.",
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = user.organizations.order_by("name")  # type: ignore[attr-defined]

    def scopes_chosen(self) -> list[str] | None:
        """Those; None = all. Only after `is_valid`."""
        chosen: list[str] = self.cleaned_data["scopes"]
        return chosen or None

    def expires_at(self) -> datetime | None:
        """When it ends; None = never. Only after `is_valid`."""
        days: int = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
