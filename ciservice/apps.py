"""Makes the composition an app, so that its static files and commands are found."""

from importlib import import_module

from django.apps import AppConfig


class CiserviceConfig(AppConfig):
    """The composition."""

    name = "ciservice"

    def ready(self) -> None:
        """Set Celery up in every process: one that only rings bells needs the broker's address as well."""
        import_module("ciservice.celery")
