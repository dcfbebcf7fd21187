"""The app of rules and messages."""

from importlib import import_module

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who is told what, and how."""

    name = "notifications"

    def ready(self) -> None:
        """Connect the page of consequences, and say what an export tells of this app."""
        import_module("notifications.receivers")
        import_module("notifications.exported")
