"""The settings of signing in: who may sign up, through which git hosts, and how django-allauth is to behave."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ciservice import env

SIGN_UP = env.text("SIGN_UP", "invited")
if SIGN_UP not in {"open", "invited", "closed"}:
    raise ImproperlyConfigured(f"SIGN_UP={SIGN_UP!r}: use open, invited or closed")


def _host(name: str, client_id: str, secret: str, url: str) -> dict[str, Any] | None:
    """One git host as allauth wants it; None where it is not set up."""
    if bool(client_id) != bool(secret):
        raise ImproperlyConfigured(f"{name}_CLIENT_ID and {name}_CLIENT_SECRET belong together: set both or none")
    if not url.startswith(("https://", "http://")):
        raise ImproperlyConfigured(f"{name}_URL={url!r}: give an address such as https://git.example.com")
    return {"APPS": [{"client_id": client_id, "secret": secret}], "URL": url.rstrip("/")} if client_id else None


_hosts = {
    "github": _host(
        "GITHUB",
        env.text("GITHUB_CLIENT_ID"),
        env.secret("GITHUB_CLIENT_SECRET"),
        env.text("GITHUB_URL", "https://github.com"),
    ),
    "gitlab": _host(
        "GITLAB",
        env.text("GITLAB_CLIENT_ID"),
        env.secret("GITLAB_CLIENT_SECRET"),
        env.text("GITLAB_URL", "https://gitlab.com"),
    ),
    "bitbucket_oauth2": _host(
        "BITBUCKET", env.text("BITBUCKET_CLIENT_ID"), env.secret("BITBUCKET_CLIENT_SECRET"), "https://bitbucket.org"
    ),
}
SOCIALACCOUNT_PROVIDERS = {name: host for name, host in _hosts.items() if host is not None}
SOCIALACCOUNT_ADAPTER = "accounts.sign_in.hosts.HostAdapter"
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
# An address that the host has confirmed finds the account that is there and stays connected to it.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

ACCOUNT_ADAPTER = "accounts.sign_in.account.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "accounts.sign_in.forms.SignUpForm",
    "add_email": "accounts.sign_in.forms.AddressForm",
    "reset_password_from_key": "accounts.sign_in.forms.NewPasswordForm",
    "user_token": "accounts.sign_in.forms.LinkForm",
}
# Without it the answer of sign-up would tell who has an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 10
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Log-ins with a password are limited by accounts/services/check_password.py, for pages and API together.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "signup": "20/h/ip",
    "reset_password": "20/h/ip,3/h/key",
    "reset_password_from_key": "20/m/ip",
    "confirm_email": "1/3m/key",
    "manage_email": "20/h/user",
    "reauthenticate": "10/m/user",
    "login_failed": "30/m/ip,5/5m/key",  # of codes: the key is the person
}
PASSWORD_RESET_TIMEOUT = 3600

MFA_ADAPTER = "accounts.sign_in.factors.FactorAdapter"
MFA_FORMS = {
    "activate_totp": "accounts.sign_in.forms.FirstCodeForm",
    "authenticate": "accounts.sign_in.forms.CodeForm",
    "reauthenticate": "accounts.sign_in.forms.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "ciservice"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
