"""What the measured database holds: a person, projects, builds by the million. Run inside of Django (see service.py)."""

from __future__ import annotations

import secrets

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from accounts.services.create_organization import create_organization
from accounts.services.tokens import make_token
from benchmarks.filling import copy, copy_below, filling
from builds.models import Build, Job, Project
from builds.models.build import Trigger
from builds.services.create_project import create_project
from builds.states import Status

URL = "https://git.example.com/shop/api.git"


def people() -> dict[str, object]:
    """A person with a session and a token, and an organisation of theirs."""
    user = User.objects.create_superuser("ada@example.com", secrets.token_urlsafe(24), name="Ada")
    organization = create_organization("Shop", user)
    client = Client()
    client.force_login(user)
    return {
        "organization": str(organization.uuid),
        "token": make_token(user, "benchmarks")[1],
        "session": client.cookies["sessionid"].value,
    }


def project(name: str) -> dict[str, str]:
    """A project without builds, and the secret of its hook."""
    organization, user = Organization.objects.get(), User.objects.get()
    made = create_project(organization, name=name, repository_url=URL, who=user)
    return {"uuid": str(made.uuid), "secret": made.hook_secret}


def fill(uuid: str, count: int) -> int:
    """Give a project so many ended builds with a job each, like its first."""
    its = Project.objects.get(uuid=uuid)
    build = Build.objects.create(
        project=its,
        number=1,
        status=Status.PASSED,
        trigger=Trigger.PUSH,
        ref="refs/heads/main",
        branch="main",
        commit="1f" * 20,
        message="Charge for the seat, not for the account\n\nAs agreed.",
        author_name="Ada",
        author_email="ada@example.com",
    )
    job = Job.objects.create(build=build, organization=its.organization, name="test", spec={}, status=Status.PASSED)
    changed = {"number": "n + 1", "branch": "'branch-' || n %% 50", "commit": "md5(n::text)"}
    created = {"created_at": "c.created_at + n * interval '1 second'"}
    with filling(unindexed=(Build, Job)) as cursor:
        copy(cursor, Build, build.pk, count - 1, **changed, **created)
        copy_below(cursor, Job, job.pk, Build, build.pk)
    its.last_build_number = count
    its.save(update_fields=["last_build_number"])
    return Build.objects.filter(project=its).count()


def queries(uuid: str) -> int:
    """How many queries the project's page of builds takes."""
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get())
    client.get(f"/projects/{uuid}/")
    with CaptureQueriesContext(connection) as caught:
        answer = client.get(f"/projects/{uuid}/")
    assert answer.status_code == 200, answer.status_code
    return len(caught)
