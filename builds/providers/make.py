"""The git host of a connection."""

from __future__ import annotations

from collections.abc import Callable

from builds.models.connection import Connection, Provider
from builds.providers.bitbucket import Bitbucket
from builds.providers.bitbucket_server import BitbucketServer
from builds.providers.contract import Access, GitHost
from builds.providers.generic import Generic
from builds.providers.gitea import Gitea
from builds.providers.github import GitHub
from builds.providers.gitlab import GitLab

_HOSTS: dict[str, Callable[[Access], GitHost]] = {
    Provider.GITHUB: GitHub,
    Provider.GITLAB: GitLab,
    Provider.BITBUCKET: Bitbucket,
    Provider.BITBUCKET_SERVER: BitbucketServer,
    Provider.GITEA: Gitea,
}


def host_of(connection: Connection) -> GitHost:
    """Who is called with the connection's token."""
    return host_by(
        Access(
            provider=connection.provider,
            url=connection.url,
            token=connection.token,
            app_id=connection.app_id,
            app_key=connection.app_key,
            installation_id=connection.installation_id,
        )
    )


def host_by(access: Access) -> GitHost:
    """The same for a way in that is not kept yet."""
    make = _HOSTS.get(access.provider)
    return make(access) if make else Generic()
