"""What django-allauth asks about accounts: who may sign up, what letters say, where people are sent."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from accounts.services.addresses import know
from accounts.services.check_password import CLOSED, TooManyAttemptsError, check_password
from accounts.sign_in.invited import invitation_of
from accounts.sign_in.letters import WORDS, send
from accounts.sign_in.words import ERRORS, MESSAGES


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Our answers to allauth's questions."""

    error_messages = {**DefaultAccountAdapter.error_messages, **ERRORS}

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """By the instance's setting; `invited` lets those sign up who followed an invitation that is still open."""
        return settings.SIGN_UP == "open" or (settings.SIGN_UP == "invited" and invitation_of(request) is not None)

    def clean_email(self, email: str) -> str:
        """Refuse what no database takes."""
        if "\0" in email:
            raise ValidationError("This is not an e-mail address.")
        return email.strip().lower()

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A new person, with the name they gave."""
        user.name = form.cleaned_data.get("name", "") or user.name
        saved: User = super().save_user(request, user, form, commit=commit)
        return saved

    def pre_login(self, request: HttpRequest, user: User, **known: Any) -> HttpResponse | None:
        """Who was there before addresses were confirmed need not do it."""
        know(user)
        response: HttpResponse | None = super().pre_login(request, user, **known)
        return response

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether it is their password; counted as a log-in."""
        try:
            found = check_password(user.email, password, address=self.get_client_ip(self.request), request=self.request)
        except TooManyAttemptsError:
            raise ValidationError(CLOSED) from None
        return found == user

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Hand a letter to whoever sends; the words are ours, the links of our public address."""
        send(template_prefix, email, context)

    def send_notification_mail(self, template_prefix: str, user: User, context: Any = None, email: Any = None) -> None:
        """Tell a person of a change that is as dear as their account."""
        if template_prefix in WORDS:
            send(template_prefix, email or user.email, {"user": user, **(context or {})})

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Of the page where a new password is chosen."""
        uidb36, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": token})
        return f"{settings.PUBLIC_URL}{path}"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Of the page where an address is confirmed."""
        return f"{settings.PUBLIC_URL}{reverse('account_confirm_email', args=[emailconfirmation.key])}"

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say it in our words, or nothing."""
        said = message or MESSAGES.get(message_template or "", "").format(**(message_context or {}))
        if said:
            messages.add_message(request, level, said, extra_tags=extra_tags)

    def is_safe_url(self, url: str) -> bool:
        """Only this site: not every host that the service answers for."""
        request = self.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages are answered with pages."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address of who asks; where the server knows none (a Unix socket), this machine."""
        address: str = request.META.get("REMOTE_ADDR", "")
        return address or "127.0.0.1"

    def logout(self, request: HttpRequest) -> None:
        """End the session."""
        logout(request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to the account."""
        return reverse("account")

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Who is shut out hears no more than that."""
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response
