"""The pages of the way in: log-in, sign-up, confirmation, forgotten passwords, second factors. allauth does the work."""

from __future__ import annotations

from typing import Any

from allauth.account import views as account
from allauth.account.models import EmailAddress
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from accounts.page import page
from accounts.services.addresses import is_another_persons
from accounts.sign_in.forms import LogInForm
from accounts.sign_in.hosts import hosts
from accounts.sign_in.invited import invitation_of


class _WithHosts:
    """Pages that offer the other ways in."""

    request: HttpRequest

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """The git hosts that are set up, and whether one may sign up."""
        invitation = invitation_of(self.request)
        may_sign_up = settings.SIGN_UP == "open" or (settings.SIGN_UP == "invited" and invitation is not None)
        known: dict[str, Any] = super().get_context_data(**more)  # type: ignore[misc]
        return {**known, "hosts": hosts(), "invitation": invitation, "may_sign_up": may_sign_up}


class LogIn(_WithHosts, account.LoginView):  # type: ignore[misc]  # allauth has no types
    """The log-in page; goes on to `next` where that lies on this site."""

    template_name = "accounts/login.html"
    form_class = LogInForm


class SignUp(_WithHosts, account.SignupView):  # type: ignore[misc]
    """A new account."""

    def get_initial(self) -> dict[str, Any]:
        """The address of the invitation that was followed."""
        invitation = invitation_of(self.request)
        initial: dict[str, Any] = super().get_initial()
        return {**initial, "email": invitation.email} if invitation else initial


class Addresses(account.EmailView):  # type: ignore[misc]
    """A person's e-mail addresses."""

    def _action_primary(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        address = self._get_email_address(request)
        if address is not None and is_another_persons(address.email, address.user):
            messages.error(request, "Somebody else logs in with this address.")
            return None
        response: HttpResponse | None = super()._action_primary(request, *args, **kwargs)
        return response

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """The addresses, the one to log in with first."""
        context: dict[str, Any] = super().get_context_data(**more)
        mine = EmailAddress.objects.filter(user=self.request.user).order_by("-primary", "email")
        return {**context, "addresses": list(mine)}


log_in = page(LogIn.as_view())
inactive = page(account.account_inactive, posts=False)
sign_up = page(SignUp.as_view())
confirmation_sent = page(account.email_verification_sent, posts=False)
confirm_address = page(account.confirm_email)
forgotten = page(account.password_reset)
forgotten_sent = page(account.password_reset_done, posts=False)
choose_password = page(account.password_reset_from_key)
password_chosen = page(account.password_reset_from_key_done, posts=False)
addresses = page(Addresses.as_view())
password_again = page(account.reauthenticate)
code = page(mfa.authenticate)
code_again = page(mfa.reauthenticate)
factor_on = page(totp.activate_totp)
factor_off = page(totp.DeactivateTOTPView.as_view(success_url=reverse_lazy("account")))
codes = page(recovery.view_recovery_codes, posts=False)
new_codes = page(recovery.generate_recovery_codes)
