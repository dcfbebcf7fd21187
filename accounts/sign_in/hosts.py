"""What django-allauth asks about log-ins through git hosts: which there are, and who may sign up that way."""

from __future__ import annotations

import logging
from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers import registry
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.sign_in.invited import invitation_of

log = logging.getLogger(__name__)


class HostAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Our answers to allauth's questions."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Those of the settings; none is kept in the database, and none is asked for there."""
        return [
            SocialApp(provider=name, **app)
            for name, host in settings.SOCIALACCOUNT_PROVIDERS.items()
            for app in host["APPS"]
            if provider in {None, name} and client_id in {None, app["client_id"]}
        ]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """As with a password; an invitation is good for its own address, which the host must have confirmed."""
        if settings.SIGN_UP != "invited":
            return bool(settings.SIGN_UP == "open")
        invitation = invitation_of(request)
        confirmed = {address.email.lower() for address in sociallogin.email_addresses if address.verified}
        return invitation is not None and invitation.email.lower() in confirmed

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        """A new person as the host knows them."""
        user: User = super().populate_user(request, sociallogin, data)
        user.name = str(data.get("name") or data.get("username") or "").replace("\0", "")[:150]
        return user

    def on_authentication_error(self, request: HttpRequest, provider: Any, exception: Any = None, **more: Any) -> None:
        """Why a log-in through a host failed stands in our log, never what was sent along."""
        if exception is not None:
            log.warning("log-in through %s failed: %s", provider.id, type(exception).__name__)

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        """Back to the account."""
        return reverse("account")


def hosts() -> list[tuple[str, str]]:
    """The hosts that are set up: what allauth calls them, and what people do."""
    return [(name, registry.get_class(name).name) for name in settings.SOCIALACCOUNT_PROVIDERS]
