"""Make a project: its row, a fresh key pair for its repository, its hook secret, the audit entry."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Project, ProjectKey
from builds.models.connection import Provider
from builds.signals import project_created

_SCP_LIKE = re.compile(r"[A-Za-z0-9_.][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:-][^:]*")
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*")


class ProjectError(ValueError):
    """The project cannot be made or changed like this; the text says why, for people. `field` is the input at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def create_project(
    organization: Organization,
    *,
    name: str,
    repository_url: str,
    who: User,
    provider: str = Provider.GENERIC,
    default_branch: str = "main",
) -> Project:
    """A new project of `organization`, ready for its first push; ProjectError where the inputs do not do."""
    name = name.strip()
    check_project(name, repository_url, default_branch)
    if provider not in Provider.values:
        raise ProjectError("provider", f"Unknown provider {provider[:40]!r}: use {' or '.join(Provider.values)}.")
    private, public = new_key_pair(f"ciservice {name}")
    with transaction.atomic():
        # The organisation's row is held, so that two forms sent at once get the sentence and not an IntegrityError.
        Organization.objects.select_for_update().get(pk=organization.pk)
        if Project.objects.filter(organization=organization, name=name).exists():
            raise ProjectError("name", f"{organization} has a project named {name} already.")
        project = Project.objects.create(
            organization=organization,
            name=name,
            provider=provider,
            repository_url=repository_url,
            default_branch=default_branch,
            ssh_private_key=private,
            ssh_public_key=public,
        )
        ProjectKey.objects.create(project=project)
        record("project.created", name, user=who, organization=organization, details={"uuid": str(project.uuid)})
        transaction.on_commit(lambda: project_created.send(Project, project_id=project.pk), robust=True)
    return project


def check_project(name: str, repository_url: str, default_branch: str) -> None:
    """ProjectError at the first input that no project may have."""
    if problem := repository_problem(repository_url):
        raise ProjectError("repository_url", problem)
    if not name or len(name) > 140 or not name.isprintable():
        raise ProjectError("name", "Give a name of at most 140 characters, such as shop/api.")
    bad_branch = not default_branch.isprintable() or default_branch.startswith("-") or " " in default_branch
    if not default_branch or len(default_branch) > 255 or bad_branch:
        raise ProjectError("default_branch", "Give the default branch's name, such as main.")


def repository_problem(url: str) -> str:
    """What is wrong with a repository's address, as a sentence; "" where nothing is."""
    if not url or len(url) > 500 or not url.isprintable() or " " in url or url.startswith("-"):
        return "Give the repository's address, such as https://git.example.com/shop/api.git."
    if url.startswith(("/", "file:///")):
        return "" if settings.ALLOW_LOCAL_REPOSITORIES else "Repositories on this server's own disk are not built here."
    if _SCP_LIKE.fullmatch(url):
        return ""
    return _problem_of_parts(url)


def _problem_of_parts(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, password = parts.hostname or "", parts.password
        _ = parts.port
    except ValueError:
        return "This is not an address."
    if parts.scheme not in {"https", "http", "ssh"} or not _HOST.fullmatch(host) or len(parts.path) < 2:
        return "Use an address that begins with https://, ssh:// or git@."
    if password is not None or (parts.username and parts.scheme != "ssh"):
        return "Leave name and password out of the address: add the project's public key at the git host instead."
    if (parts.username or "").startswith("-"):
        return "This is not an address."
    return ""


def new_key_pair(comment: str) -> tuple[str, str]:
    """A fresh ed25519 key pair as OpenSSH texts: (private, public)."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), f"{public.decode()} {comment}"
