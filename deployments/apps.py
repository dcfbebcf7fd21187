"""The app of environments, releases and deployments."""

from importlib import import_module

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """What happens after a build passed."""

    name = "deployments"

    def ready(self) -> None:
        """Connect the page of consequences, and say what an export tells of this app, and what it keeps from being pruned."""
        import_module("deployments.receivers")
        import_module("deployments.exported")
