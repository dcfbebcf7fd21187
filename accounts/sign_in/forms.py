"""What people fill in on their way in, where allauth's forms need our words or rules."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import AddEmailForm, ResetPasswordKeyForm, SignupForm, UserTokenForm
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.services.check_password import CLOSED, TooManyAttemptsError, check_password
from accounts.sign_in.invited import invitation_of

WRONG = "E-mail address and password do not belong together."
MOST_OF_A_PASSWORD = 4096


def _email(**attributes: Any) -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "username", **attributes})
    return forms.EmailField(label="E-mail address", max_length=254, widget=widget)


def _password(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=MOST_OF_A_PASSWORD,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


class LogInForm(forms.Form):
    """E-mail address and password. The answer never says which of them was wrong."""

    username = _email(autofocus=True)
    password = _password("Password", "current-password")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Check them together."""
        email, password = self.cleaned_data.get("username", ""), self.cleaned_data.get("password", "")
        if email and password:
            self.user = self._check(email, password)
        return self.cleaned_data

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Go on with the log-in: a second factor, an address to confirm, or in."""
        login = Login(user=self.user, redirect_url=redirect_url)
        response: HttpResponse = perform_password_login(request, {"email": self.cleaned_data["username"]}, login)
        return response

    def _check(self, email: str, password: str) -> User:
        address = self._request.META.get("REMOTE_ADDR", "")
        try:
            user = check_password(email, password, address=address, request=self._request)
        except TooManyAttemptsError:
            raise forms.ValidationError(CLOSED) from None
        if user is None:
            raise forms.ValidationError(WRONG)
        return user


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth has no types
    """A new account."""

    field_order = ["email", "name", "password1"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = _email()
        self.fields["name"] = forms.CharField(
            label="Name", max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
        )
        self.fields["password1"] = _password("Password", "new-password", "At least 10 characters.")
        self.order_fields(self.field_order)

    def clean_email(self) -> str:
        """Where only those who are invited may sign up, the address of the invitation."""
        email: str = super().clean_email()
        invitation = invitation_of(context.request)
        if settings.SIGN_UP != "open" and (invitation is None or invitation.email.lower() != email):
            raise forms.ValidationError("The invitation was sent to another address: sign up with that one.")
        return email


class AddressForm(AddEmailForm):  # type: ignore[misc]
    """One more e-mail address."""

    email = forms.EmailField(label="E-mail address", max_length=254)


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, for who followed the link of a letter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = "New password"
        self.fields["password1"].help_text = "At least 10 characters."
        self.fields["password1"].max_length = MOST_OF_A_PASSWORD
        for name in ("password1", "password2"):
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["password2"].label = "The same again"


class LinkForm(UserTokenForm):  # type: ignore[misc]
    """What the link of such a letter says; anything may stand in an address."""

    def _get_user(self, uidb36: str | None) -> User | None:
        user: User | None = super()._get_user(uidb36) if uidb36 else None
        return user


class _Code(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Of your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "inputmode": "numeric"}),
    )


class FirstCodeForm(ActivateTOTPForm):  # type: ignore[misc]
    """The code that shows that the app has the secret."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits, new every half minute.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class CodeForm(_Code, AuthenticateForm):  # type: ignore[misc]
    """The second factor at a log-in."""


class CodeAgainForm(_Code, ReauthenticateForm):  # type: ignore[misc]
    """The second factor before something dear is changed."""
