"""The pages of a person's own account, and the way in and out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import LogInForm, NameForm, PasswordForm, TokenForm
from accounts.models import User
from accounts.services.account import change_password, rename
from accounts.services.tokens import make_token, revoke_token, tokens_of


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class LogIn(LoginView):
    """The log-in page; goes on to `next` where that lies on this site."""

    template_name = "accounts/login.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Name, password, API tokens."""
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
    messages.success(request, "Your password is changed; you are logged out everywhere else.")
    return redirect("account")


@never_cache
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Make an API token and show it, this once."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, token_form=form)
    token, raw = make_token(_person(request), form.cleaned_data["name"], form.expires_at())
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
    context = {
        "name_form": NameForm(initial={"display_name": user.name}),
        "password_form": PasswordForm(user),
        "token_form": TokenForm(),
        "tokens": tokens_of(user),
        **shown,
    }
    invalid = any(form.errors for form in shown.values() if hasattr(form, "errors"))
    return render(request, "accounts/account.html", context, status=422 if invalid else 200)
