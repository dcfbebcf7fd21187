"""The app of projects, builds, jobs, steps and logs."""

from importlib import import_module

from django.apps import AppConfig


class BuildsConfig(AppConfig):
    """The centre."""

    name = "builds"

    def ready(self) -> None:
        """Connect the page of consequences."""
        import_module("builds.receivers")
