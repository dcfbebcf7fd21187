"""Tie a project to a repository at a git host, or untie it: what is made there is made, or removed, by the outbox."""

from __future__ import annotations

import hashlib

from django.db import connection as database
from django.db import transaction

from accounts.models import User
from accounts.services.audit import record
from builds.models import Connection, HostingStep, Project, ReportedStatus
from builds.outbound import outbox
from builds.providers.contract import Ref, Repository
from builds.providers.errors import ProviderError, Unavailable
from builds.providers.make import host_of
from builds.services import host_calls
from builds.services.create_project import ProjectError, check_project, create_project, new_key_pair
from builds.services.hosting import host_name
from builds.services.set_up import set_up

KIND = "hosting_removal"


def repository_at(connection: Connection, repository_id: str, name: str) -> Repository:
    """What the host says of a repository that was chosen; ProviderError where it does not."""
    return host_of(connection).repository(Ref(repository_id, name))


def create_from(connection: Connection, repository: Repository, *, who: User) -> Project:
    """A project for the repository, which is set up there from now on; ProjectError where there is one already."""
    with transaction.atomic():
        _claim(connection, repository)
        project = create_project(
            connection.organization,
            name=repository.name[:140],
            repository_url=repository.clone_url,
            who=who,
            provider=connection.provider,
            default_branch=repository.default_branch,
        )
        _tie(project, connection, repository)
    return project


def connect(project: Project, connection: Connection, repository: Repository, *, who: User) -> None:
    """Tie a project that is there to a repository; what was made at the one before is removed."""
    with transaction.atomic():
        _claim(connection, repository, but=project)
        _untie(project)
        project.provider, project.repository_url = connection.provider, repository.clone_url
        project.default_branch = repository.default_branch
        if not project.ssh_public_key:
            project.ssh_private_key, project.ssh_public_key = new_key_pair(f"ciservice {project.name}")
            project.save(update_fields=["ssh_private_key", "ssh_public_key"])
        check_project(project.name, project.repository_url, project.default_branch)
        _tie(project, connection, repository)
        details = {"repository": repository.name, "url": connection.url}
        record("project.connected", project.name, user=who, organization=project.organization, details=details)


def disconnect(project: Project, *, who: User) -> None:
    """The project goes on by hand: hook and key that we made are removed at the host."""
    with transaction.atomic():
        details = {"repository": project.repository_name}
        _untie(project)
        project.save(update_fields=_FIELDS)
        record("project.disconnected", project.name, user=who, organization=project.organization, details=details)


def forget_at_host(project: Project) -> None:
    """Have removed what we made at the host of a project that is being deleted, in the transaction of that."""
    if project.connection_id and project.repository_id and (project.hook_id or project.deploy_key_id):
        payload = {
            "connection": project.connection_id,
            "repository": [project.repository_id, project.repository_name],
            "hook": project.hook_id,
            "key": project.deploy_key_id,
        }
        made = hashlib.sha256(repr(payload).encode()).hexdigest()[:32]
        owner = f"organization:{project.organization.uuid}"
        outbox.put(KIND, f"{KIND}:{project.uuid}:{made}", payload, lane=f"{KIND}:{project.connection_id}", owner=owner)


@outbox.handles(KIND)
def remove(payload: dict[str, object]) -> None:
    """Remove hook and key, as far as the host lets us."""
    connection = Connection.objects.filter(pk=int(str(payload["connection"]))).first()
    repository = payload["repository"]
    if connection is None or not isinstance(repository, list):
        return
    ref = Ref(*repository)
    with host_calls.calling(connection) as host:
        try:
            if payload["hook"]:
                host.remove_hook(ref, str(payload["hook"]))
            if payload["key"]:
                host.remove_deploy_key(ref, str(payload["key"]))
        except Unavailable:
            raise
        except ProviderError:
            return  # the repository or the right is gone: nothing of ours can be removed


_FIELDS = [
    "connection",
    "provider",
    "repository_id",
    "repository_name",
    "repository_url",
    "default_branch",
    "hook_id",
    "deploy_key_id",
    "hosting_problem",
]


def _tie(project: Project, connection: Connection, repository: Repository) -> None:
    project.connection = connection
    project.repository_id, project.repository_name = repository.id[:200], repository.name[:300]
    project.save(update_fields=_FIELDS)
    set_up(project)


def _untie(project: Project) -> None:
    forget_at_host(project)
    project.connection = None
    project.repository_id = project.repository_name = project.hook_id = project.deploy_key_id = ""
    project.hosting_problem = ""
    HostingStep.objects.filter(project=project).delete()
    ReportedStatus.objects.filter(project=project).delete()


def _claim(connection: Connection, repository: Repository, but: Project | None = None) -> None:
    """ProjectError where the repository has a project; whose it is, only those may hear who belong there."""
    host = host_name(connection.url)
    _one_at_a_time(f"{connection.provider} {host} {repository.id}")
    others = Project.objects.filter(provider=connection.provider, repository_id=repository.id)
    if but is not None:
        others = others.exclude(pk=but.pk)
    for other in others.select_related("connection").defer("ssh_private_key", "hook_secret"):
        if host_name(other.connection.url if other.connection else other.repository_url) == host:
            here = other.organization_id == connection.organization_id
            whose = f"as {other.name}" if here else "of another organisation"
            raise ProjectError(
                "repository", f"{repository.name} is built already, {whose}: a repository has one project."
            )


def _one_at_a_time(what: str) -> None:
    """Of two who tie one repository at once, in different organisations, the second waits and sees the first."""
    if database.vendor == "postgresql":
        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
