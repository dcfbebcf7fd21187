"""Secret variables of a project, and of each of its environments: set, replaced and removed; told by name alone."""

from __future__ import annotations

import re

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.services.audit import record
from builds.models import Project, Secret

MOST = 200
LONGEST_NAME = 200
LONGEST_VALUE = 64 * 1024

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACE = ["project", "environment", "name"]


class SecretError(Exception):
    """A name or value that cannot be a variable, or one secret too many; the text says why."""


def put_secret(project: Project, name: str, value: str, *, who: User, environment: str = "") -> None:
    """Set a secret, replacing the one of that name; SecretError where it cannot be. `environment`: whose; "" = every job's."""
    check_name(name)
    check_value(value)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).values_list("pk").get(pk=project.pk)
        others = Secret.objects.filter(project=project, environment=environment).exclude(name=name)
        if others.count() >= MOST:
            raise SecretError(f"There are {MOST} secrets already, which is the most: remove one that is not needed.")
        secret = Secret(project=project, environment=environment, name=name, value=value)
        secret.changed_at, secret.changed_by = timezone.now(), who
        # One statement: the value that is replaced is never opened, which only a lost key could do any harm to.
        changes = ["value", "changed_at", "changed_by"]
        Secret.objects.bulk_create([secret], update_conflicts=True, unique_fields=_PLACE, update_fields=changes)
        _note(project, "secret.put", who, name=name, environment=environment)


def delete_secret(project: Project, name: str, *, who: User, environment: str = "") -> bool:
    """Remove a secret. False where there is none of that name."""
    with transaction.atomic():
        gone, _ = Secret.objects.filter(project=project, environment=environment, name=name).delete()
        if gone:
            _note(project, "secret.deleted", who, name=name, environment=environment)
    return bool(gone)


def secrets_told(project: Project, environment: str = "") -> QuerySet[Secret]:
    """What may be told of them: names, and who changed them when. No value is read."""
    rows = Secret.objects.filter(project=project, environment=environment).defer("value")
    return rows.select_related("changed_by").order_by("name")


def check_name(name: str) -> None:
    """SecretError where no shell would take it as a variable's name."""
    if len(name) > LONGEST_NAME or not _VARIABLE.fullmatch(name):
        raise SecretError(f"Use letters, digits and _, no digit at the beginning, and at most {LONGEST_NAME} of them.")


def check_value(value: str) -> None:
    """SecretError where no process could be given it as a variable."""
    if not value:
        raise SecretError("A secret needs a value.")
    if "\0" in value:
        raise SecretError("A variable cannot hold a NUL.")
    if len(value.encode(errors="surrogatepass")) > LONGEST_VALUE:
        raise SecretError(f"A secret has at most {LONGEST_VALUE // 1024} KiB.")


def _note(project: Project, action: str, who: User, *, name: str, environment: str) -> None:
    details = {"name": name, **({"environment": environment} if environment else {})}
    record(action, project.name, user=who, organization=project.organization, details=details)
