"""Addresses of the webhook door."""

from django.urls import path

from builds.webhooks.views import hook

urlpatterns = [path("<slug:provider>/<uuid:project_uuid>", hook, name="hook")]
