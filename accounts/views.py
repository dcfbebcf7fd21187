"""The page of a person's own account, and what is done there."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import MailForm, NameForm, PasswordForm, TokenForm
from accounts.models import User
from accounts.services import sessions
from accounts.services.account import change_password, rename, set_gets_mail
from accounts.services.identities import connected_to
from accounts.services.tokens import make_token, revoke_token, tokens_of
from accounts.services.two_factors import codes_left, has_two_factors
from accounts.sign_in.hosts import hosts
from accounts.sign_in.letters import send


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Name, addresses, password, second factor, connected services, sessions, API tokens."""
    return _page(request)


@require_POST
def set_name(request: HttpRequest) -> HttpResponse:
    """Change the name that others see."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, name_form=form)
    rename(_person(request), form.cleaned_data["display_name"])
    messages.success(request, "Your name is changed.")
    return redirect("account")


@require_POST
def set_mail(request: HttpRequest) -> HttpResponse:
    """Switch e-mails about builds on or off."""
    form = MailForm(request.POST)
    form.is_valid()
    set_gets_mail(_person(request), form.cleaned_data["gets_mail"])
    messages.success(request, "Saved.")
    return redirect("account")


@require_safe
def factors(request: HttpRequest) -> HttpResponse:
    """Where allauth sends people after a change of their second factor."""
    return redirect("account")


@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one of the person's own sessions."""
    if not sessions.end_session(_person(request), session_id):
        raise Http404
    messages.success(request, "The session is ended.")
    return redirect("account")


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    sessions.end_other_sessions(_person(request), request.session.session_key)
    messages.success(request, "You are logged out everywhere else.")
    return redirect("account")


@sensitive_post_parameters()
@require_POST
def set_password(request: HttpRequest) -> HttpResponse:
    """Change the password; this session stays, all others end."""
    user = _person(request)
    form = PasswordForm(user, request.POST)
    if not form.is_valid():
        return _page(request, password_form=form)
    change_password(user, form.cleaned_data["new"])
    update_session_auth_hash(request, user)
    sessions.end_other_sessions(user, None)
    UserSession.objects.create_from_request(request)
    send("account/email/password_changed", user.email, {})
    messages.success(request, "Your password is changed; you are logged out everywhere else.")
    return redirect("account")


@never_cache
@require_POST
@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]  # allauth has no types
def create_token(request: HttpRequest) -> HttpResponse:
    """Make an API token and show it, this once."""
    user = _person(request)
    form = TokenForm(user, request.POST)
    if not form.is_valid():
        return _page(request, token_form=form)
    limits = {"scopes": form.scopes_chosen(), "organization": form.cleaned_data["organization"]}
    token, raw = make_token(user, form.cleaned_data["name"], form.expires_at(), **limits)
    return _page(request, new_token=token, raw_token=raw)


@require_POST
def delete_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revoke one of the person's own tokens."""
    if not revoke_token(_person(request), token_id):
        raise Http404
    messages.success(request, "The token is revoked.")
    return redirect("account")


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody else in"
    return request.user


def _page(request: HttpRequest, **shown: Any) -> HttpResponse:
    user = _person(request)
    connections = connected_to(user)
    context = {
        "name_form": NameForm(initial={"display_name": user.name}),
        "password_form": PasswordForm(user),
        "token_form": TokenForm(user),
        "mail_form": MailForm(initial={"gets_mail": user.gets_mail}),
        "tokens": tokens_of(user),
        "addresses": EmailAddress.objects.filter(user=user).order_by("-primary", "email"),
        "two_factors": has_two_factors(user),
        "codes_left": codes_left(user),
        "sessions": [
            (session, sessions.device_of(session.user_agent), session.session_key == request.session.session_key)
            for session in sessions.sessions_of(user)
        ],
        "connections": connections,
        "offered": [(key, name) for key, name in hosts() if name not in {one.service for one in connections}],
        **shown,
    }
    invalid = any(form.errors for form in shown.values() if hasattr(form, "errors"))
    return render(request, "accounts/account.html", context, status=422 if invalid else 200)
