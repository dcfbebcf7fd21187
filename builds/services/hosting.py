"""A project's repository at its git host: what it is called there, and what keeps us from it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.db import transaction

from accounts.services.audit import record
from builds.models import Project
from builds.providers.contract import Ref
from builds.services.create_project import repository_problem
from builds.services.texts import storable

_SCP_HOST = re.compile(r"[^/@]*@?([^/:]+):")


def ref_of(project: Project) -> Ref:
    """What the git host knows the repository by."""
    return Ref(project.repository_id, project.repository_name)


def host_name(url: str) -> str:
    """The host in an address of git or of the web, in small letters; "" where there is none."""
    try:
        host = urlsplit(url).hostname if "://" in url else None
    except ValueError:
        return ""
    scp = _SCP_HOST.match(url) if "://" not in url else None
    return (host or (scp[1] if scp else "")).lower()


def rename(project: Project, name: str, *urls: str) -> bool:
    """The repository is called `name` (owner/name) now: keep that, and fetch it where it is. False = nothing new.

    Of `urls`, addresses to clone it from, that of the project's own kind (git@, ssh:// or https://) is taken, and none
    that is on another host: what a payload says must not lead builds elsewhere.
    """
    with transaction.atomic():
        held = Project.objects.select_for_update(no_key=True).filter(pk=project.pk).first()
        name = storable(name, 300)
        if held is None or not name or name == held.repository_name:
            return False
        before = held.repository_name
        held.repository_name = name
        held.repository_url = next((url for url in urls if _may_follow(held.repository_url, url)), held.repository_url)
        held.save(update_fields=["repository_name", "repository_url"])
        details = {"before": before, "now": name, "url": held.repository_url}
        record("project.repository_renamed", held.name, user=None, organization=held.organization, details=details)
    project.repository_name, project.repository_url = held.repository_name, held.repository_url
    return True


def note_problem(project_pk: int, problem: str) -> None:
    """Show on the project's page what keeps us from the repository; "" = nothing does."""
    Project.objects.filter(pk=project_pk).exclude(hosting_problem=problem).update(hosting_problem=problem)


def _may_follow(before: str, now: str) -> bool:
    return _kind(before) == _kind(now) and host_name(before) == host_name(now) and not repository_problem(now)


def _kind(url: str) -> str:
    return "https" if url.startswith(("https://", "http://")) else "ssh"
