"""Web addresses of secrets."""

from django.urls import URLPattern, path

from builds.views import secrets, settings

_ORGANIZATION = "organizations/<uuid:organization_uuid>"
_PROJECT = "projects/<uuid:uuid>/settings/secrets"

urlpatterns: list[URLPattern] = [
    path(f"{_ORGANIZATION}/secrets", secrets.of_organization, name="organization_secrets"),
    path(f"{_ORGANIZATION}/secrets/delete", secrets.delete_of_organization, name="organization_secret_delete"),
    path(_PROJECT, settings.put_secret, name="secret_put"),
    path(f"{_PROJECT}/delete", settings.delete_secret, name="secret_delete"),
    path(f"{_PROJECT}/given", secrets.given_to_builds, name="secrets_given"),
]
