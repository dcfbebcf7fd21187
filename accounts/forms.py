"""What people fill in: the log-in, their name, their password, a new token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from accounts.models import User
from accounts.services.check_password import CLOSED, TooManyAttemptsError, check_password

WRONG = "E-mail address and password do not belong together."


class LogInForm(AuthenticationForm):
    """E-mail address and password. The answer never says which of them was wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = forms.EmailField(
            label="E-mail address",
            max_length=254,
            widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        )

    def clean(self) -> dict[str, Any]:
        """Check them together."""
        email, password = self.cleaned_data.get("username", ""), self.cleaned_data.get("password", "")
        if email and password:
            self.user_cache = self._check(email, password)
        return self.cleaned_data

    def _check(self, email: str, password: str) -> User:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        try:
            user = check_password(email, password, address=address, request=self.request)
        except TooManyAttemptsError:
            raise forms.ValidationError(CLOSED) from None
        if user is None:
            raise forms.ValidationError(WRONG)
        return user


class NameForm(forms.Form):
    """The name that others see."""

    display_name = forms.CharField(
        label="Name", max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
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

    def expires_at(self) -> datetime | None:
        """When it ends; None = never. Only after `is_valid`."""
        days: int = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
