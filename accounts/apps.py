"""The app of people and organisations."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organisations, memberships, API tokens, audit log."""

    name = "accounts"

    def ready(self) -> None:
        """Connect the page of consequences."""
        import_module("accounts.receivers")
