"""The app of environments, releases and deployments."""

from importlib import import_module

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """What happens after a build passed."""

    name = "deployments"

    def ready(self) -> None:
        """Connect the page of consequences, and fill the places in the pages of builds."""
        import_module("deployments.receivers")
        import_module("deployments.filling")
