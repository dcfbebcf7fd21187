"""Addresses that need no log-in: badges, probes, metrics."""

from django.urls import path

from builds.views import badges, probes

urlpatterns = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("badges/<uuid:uuid>.svg", badges.badge, name="badge"),
    path("projects/<uuid:uuid>/status", badges.badge, name="codeship_badge"),
]
