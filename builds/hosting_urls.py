"""Web addresses of connections to git hosts, of the repositories there, and of what is set up for a project."""

from django.urls import URLPattern, path

from builds.views import connections, hosting, repositories

_CONNECTIONS = "organizations/<uuid:organization_uuid>/connections"
_CONNECTION = f"{_CONNECTIONS}/<uuid:connection_uuid>"
_PROJECT = "projects/<uuid:uuid>"

urlpatterns: list[URLPattern] = [
    path(_CONNECTIONS, connections.connections, name="git_hosts"),
    path(_CONNECTION, connections.connection, name="git_host"),
    path(f"{_CONNECTION}/check", connections.check, name="git_host_check"),
    path(f"{_CONNECTION}/remove", connections.remove, name="git_host_remove"),
    path(f"{_CONNECTION}/repositories", repositories.choose, name="repositories"),
    path(f"{_PROJECT}/repository/<uuid:connection_uuid>", repositories.choose_for, name="repository_connect"),
    path(f"{_PROJECT}/setup/again", hosting.again, name="setup_again"),
    path(f"{_PROJECT}/settings/statuses", hosting.statuses, name="statuses_change"),
    path(f"{_PROJECT}/settings/disconnect", hosting.disconnect, name="repository_disconnect"),
]
