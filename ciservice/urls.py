"""Web addresses of the whole service."""

from django.urls import include, path

from builds.api import rules_slot
from builds.api.api import api
from deployments.filling import fill
from notifications import codeship_rules

fill(api)
rules_slot.register(codeship_rules)

urlpatterns = [
    path("", include("builds.public_urls")),
    path("", include("accounts.urls")),
    path("", include("builds.urls")),
    path("", include("deployments.urls")),
    path("", include("notifications.urls")),
    path("hooks/", include("builds.webhooks.urls")),
    path("v2/", include("builds.api.urls")),
    path("api/v1/", include("builds.api.v1_urls")),
]
