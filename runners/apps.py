"""The engine as a Django app, so that its commands are found; it has no models."""

from django.apps import AppConfig


class RunnersConfig(AppConfig):
    """The engine."""

    name = "runners"
