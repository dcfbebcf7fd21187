"""Who a person is elsewhere: their names at git hosts, and the addresses that they have confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q

from accounts.models import User

# A host -> what allauth calls it, the field with the name of the person, and what people call the host.
_HOSTS = {
    "github": ("github", "login", "GitHub"),
    "gitlab": ("gitlab", "username", "GitLab"),
    "bitbucket": ("bitbucket_oauth2", "username", "Bitbucket"),
}


@dataclass(frozen=True)
class Connected:
    """An account at a git host that lets a person in."""

    pk: int
    service: str
    username: str
    last_used: datetime


def connected_to(user: User) -> list[Connected]:
    """The accounts at git hosts that `user` connected, the oldest first."""
    names = {allauth: (label, field) for _, (allauth, field, label) in _HOSTS.items()}
    found = SocialAccount.objects.filter(user=user, provider__in=names).order_by("pk")
    return [
        Connected(
            one.pk, names[one.provider][0], str(one.extra_data.get(names[one.provider][1]) or one.uid), one.last_login
        )
        for one in found
    ]


def usernames_of(user: User) -> dict[str, str]:
    """The names of `user` at the git hosts that they connected: {"github": "ada"}."""
    found = dict(SocialAccount.objects.filter(user=user).values_list("provider", "extra_data"))
    names = {host: str(found.get(allauth, {}).get(field) or "") for host, (allauth, field, _) in _HOSTS.items()}
    return {host: name for host, name in names.items() if name}


def user_of_username(provider: str, username: str) -> User | None:
    """The active person who connected the account `username` of "github", "gitlab" or "bitbucket"; None = nobody."""
    if provider not in _HOSTS or not username or "\0" in username:
        return None
    allauth, field, _ = _HOSTS[provider]
    account = (
        SocialAccount.objects.filter(
            provider=allauth, user__is_active=True, **{f"extra_data__{field}__iexact": username}
        )
        .select_related("user")
        .order_by("-last_login")
        .first()
    )
    return account.user if account else None


def user_of_email(email: str) -> User | None:
    """The active person who logs in with `email` or has confirmed it; None = nobody."""
    email = email.strip().lower()
    if "\0" in email:
        return None
    confirmed = EmailAddress.objects.filter(email=email, verified=True).values("user")
    return User.objects.filter(Q(email=email) | Q(pk__in=confirmed), is_active=True).order_by("pk").first()
