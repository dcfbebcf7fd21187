"""What the measured database holds: a person, projects, builds by the million. Run inside of Django (see service.py)."""

from __future__ import annotations

import secrets

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from accounts.services.create_organization import create_organization
from accounts.services.tokens import make_token
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
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            _copies(Build, number="n", branch="'branch-' || n %% 50", commit="md5(n::text)"), [count, build.pk]
        )
        cursor.execute(_copies_below(Job, "build", "builds_build"), [its.pk, build.pk, job.pk])
        cursor.execute("VACUUM ANALYZE")
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


def _columns(model: type) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not field.primary_key]


def _copies(model: type, **changed: str) -> str:
    """SQL that copies one row %s times less one: `n` counts from 2."""
    changed = {"uuid": "gen_random_uuid()", "created_at": "created_at + n * interval '1 second'", **changed}
    columns = _columns(model)
    chosen = ", ".join(changed.get(column, f'"{column}"') for column in columns)
    names, table = ", ".join(f'"{column}"' for column in columns), model._meta.db_table
    return f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table}, generate_series(2, %s) n WHERE id = %s"


def _copies_below(model: type, parent: str, table: str) -> str:
    """SQL that gives every other row of the parent a copy of the first one's."""
    columns = _columns(model)
    changed = {"uuid": "gen_random_uuid()", f"{parent}_id": "p.id"}
    chosen = ", ".join(changed.get(column, f'c."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return (
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {chosen} FROM {table} p, {model._meta.db_table} c"
        f" WHERE p.project_id = %s AND p.id <> %s AND c.id = %s"
    )
