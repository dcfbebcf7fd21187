"""The app of people and organisations."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organisations, memberships, API tokens, audit log."""

    name = "accounts"
