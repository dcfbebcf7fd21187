"""The git hosts that people log in through. allauth looks for this module by its name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.bitbucket_oauth2.provider import BitbucketOAuth2Provider
from allauth.socialaccount.providers.bitbucket_oauth2.views import BitbucketOAuth2Adapter
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.gitlab.provider import GitLabProvider
from allauth.socialaccount.providers.gitlab.views import GitLabOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

Data = dict[str, Any]


class _Here:
    """What the adapters share: addresses from the settings, and a way back to our public address."""

    provider_id: str

    @property
    def web_url(self) -> str:
        """Of the host."""
        return str(settings.SOCIALACCOUNT_PROVIDERS[self.provider_id]["URL"])

    def get_callback_url(self, request: HttpRequest, app: object) -> str:
        """Where the host sends people back to."""
        return f"{settings.PUBLIC_URL}{reverse(f'{self.provider_id}_callback')}"

    def ask(self, url: str, token: str) -> Any:
        """What the host's API says at `url`; OAuth2Error where that is no answer."""
        with get_adapter().get_requests_session() as session:
            response = session.get(url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False)
        if response.status_code != 200:
            raise OAuth2Error(f"{url} answered with {response.status_code}")
        try:
            return response.json()
        except ValueError:
            raise OAuth2Error(f"{url} answered with something else than JSON") from None

    def person(self, url: str, token: str) -> Data:
        """What the host says of who logs in."""
        found = self.ask(url, token)
        if not isinstance(found, dict):
            raise OAuth2Error(f"{url} answered with something else than a person")
        return found


class GitHubAdapter(_Here, GitHubOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """GitHub, and GitHub Enterprise."""

    @property
    def access_token_url(self) -> str:
        return f"{self.web_url}/login/oauth/access_token"

    @property
    def authorize_url(self) -> str:
        return f"{self.web_url}/login/oauth/authorize"

    @property
    def api_url(self) -> str:
        """github.com has a name of its own for it."""
        return "https://api.github.com" if urlsplit(self.web_url).hostname == "github.com" else f"{self.web_url}/api/v3"

    def complete_login(self, request: HttpRequest, app: object, token: Any, **more: Any) -> Any:
        """The person and their addresses."""
        person = self.person(f"{self.api_url}/user", token.token)
        person["emails"] = self.ask(f"{self.api_url}/user/emails", token.token)
        return self.get_provider().sociallogin_from_response(request, person)


class GitLabAdapter(_Here, GitLabOAuth2Adapter):  # type: ignore[misc]
    """GitLab, and those that people host themselves."""

    def _build_url(self, path: str) -> str:
        return f"{self.web_url}{path}"

    def complete_login(self, request: HttpRequest, app: object, token: Any, **more: Any) -> Any:
        """The person; their address is among it."""
        return self.get_provider().sociallogin_from_response(request, self.person(self.profile_url, token.token))


class BitbucketAdapter(_Here, BitbucketOAuth2Adapter):  # type: ignore[misc]
    """Bitbucket Cloud."""

    @property
    def access_token_url(self) -> str:
        return f"{self.web_url}/site/oauth2/access_token"

    @property
    def authorize_url(self) -> str:
        return f"{self.web_url}/site/oauth2/authorize"

    @property
    def api_url(self) -> str:
        """bitbucket.org has a name of its own for it; a stand-in has not."""
        cloud = urlsplit(self.web_url).hostname == "bitbucket.org"
        return "https://api.bitbucket.org/2.0" if cloud else f"{self.web_url}/2.0"

    def complete_login(self, request: HttpRequest, app: object, token: Any, **more: Any) -> Any:
        """The person and their addresses."""
        person = self.person(f"{self.api_url}/user", token.token)
        person["emails"] = self.person(f"{self.api_url}/user/emails", token.token).get("values")
        return self.get_provider().sociallogin_from_response(request, person)


class _WithAddresses:
    """What the providers share: nothing is believed of an address but what the host says of it in so many words."""

    _confirmed = "verified"
    _primary = "primary"

    def extract_uid(self, data: Data) -> str:
        """What the host calls the person for ever; OAuth2Error where it does not."""
        found = data.get("account_id" if "account_id" in data else "id")
        if not isinstance(found, str | int) or not str(found):
            raise OAuth2Error("The host did not say who this is")
        return str(found)

    def extract_email_addresses(self, data: Data) -> list[EmailAddress]:
        """The addresses that the host knows."""
        listed = data.get("emails")
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        return [
            EmailAddress(
                email=str(entry.get("email", "")),
                primary=entry.get(self._primary) is True,
                verified=entry.get(self._confirmed) is True,
            )
            for entry in entries
        ]

    def extract_extra_data(self, data: Data) -> Data:
        """What is kept: who they are there, not what else the host told."""
        kept = ("id", "login", "username", "nickname", "account_id", "name", "display_name", "html_url", "web_url")
        return {name: data[name] for name in kept if isinstance(data.get(name), str | int)}


class GitHub(_WithAddresses, GitHubProvider):  # type: ignore[misc]
    """GitHub."""

    oauth2_adapter_class = GitHubAdapter
    pkce_enabled_default = True


class GitLab(_WithAddresses, GitLabProvider):  # type: ignore[misc]
    """GitLab."""

    oauth2_adapter_class = GitLabAdapter
    pkce_enabled_default = True

    def extract_email_addresses(self, data: Data) -> list[EmailAddress]:
        """The one address: confirmed where GitLab says when that was."""
        email, confirmed = data.get("email"), isinstance(data.get("confirmed_at"), str)
        return [EmailAddress(email=email, primary=True, verified=confirmed)] if isinstance(email, str) else []


class Bitbucket(_WithAddresses, BitbucketOAuth2Provider):  # type: ignore[misc]
    """Bitbucket."""

    oauth2_adapter_class = BitbucketAdapter
    _confirmed = "is_confirmed"
    _primary = "is_primary"


provider_classes = [GitHub, GitLab, Bitbucket]
