"""The doors through git hosts: out to the host, back from it, and taking a connected account away again."""

from __future__ import annotations

from functools import wraps
from typing import Any

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount import views as social
from allauth.socialaccount.internal.flows import connect
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.page import View, page
from accounts.provider import BitbucketAdapter, GitHubAdapter, GitLabAdapter


def _door(view: Any, host: str, *, posts: bool) -> View:
    """`view`, where that host is set up; else there is no such page."""

    @login_not_required  # type: ignore[untyped-decorator]
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if host not in settings.SOCIALACCOUNT_PROVIDERS:
            raise Http404
        response: HttpResponse = view(request, *args, **kwargs)
        return response

    return page(guarded, posts=posts)


def _doors(adapter: Any) -> tuple[View, View]:
    """Out and back."""
    out = OAuth2LoginView.adapter_view(adapter)
    back = OAuth2CallbackView.adapter_view(adapter)
    return _door(out, adapter.provider_id, posts=True), _door(back, adapter.provider_id, posts=False)


github, github_back = _doors(GitHubAdapter)
gitlab, gitlab_back = _doors(GitLabAdapter)
bitbucket, bitbucket_back = _doors(BitbucketAdapter)
sign_up = page(social.signup)
cancelled = page(social.login_cancelled, posts=False)
failed = page(login_not_required(social.login_error), posts=False)


@require_POST
def disconnect(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Disconnect one of the person's own accounts, unless nothing else would let them in."""
    account = get_object_or_404(SocialAccount, pk=connection_id, user=request.user)
    try:
        connect.validate_disconnect(request, account)
    except ValidationError:
        messages.error(request, "Nothing else lets you in: set a password first.")
        return redirect("account")
    connect.disconnect(request, account)
    return redirect("account")
