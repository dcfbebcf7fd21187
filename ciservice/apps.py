"""Makes the composition an app, so that its static files and commands are found."""

from django.apps import AppConfig


class CiserviceConfig(AppConfig):
    """The composition."""

    name = "ciservice"
