"""Addresses that need no log-in: badges, probes, metrics."""

from django.urls import path

from builds.views import badges, identity, probes

urlpatterns = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path(".well-known/openid-configuration", identity.configuration, name="oidc_configuration"),
    path(".well-known/jwks.json", identity.keys, name="oidc_keys"),
    path("badges/<uuid:uuid>.svg", badges.badge, name="badge"),
    path("projects/<uuid:uuid>/status", badges.badge, name="codeship_badge"),
]
