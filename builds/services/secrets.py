"""Secrets, secret files and plain variables: set, replaced and removed; of what is secret only the name is told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Project, Secret, SecretKind
from builds.pipeline.match import MAX_PATTERN, PatternError, branch_matches

MOST = 200
LONGEST_NAME = 200
LONGEST_VALUE = 64 * 1024

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CHANGES = ["value", "kind", "changed_at", "changed_by"]


class SecretError(Exception):
    """A name or value that cannot be a variable, or one secret too many; the text says why."""


@dataclass(frozen=True)
class Place:
    """Whose it is, and which jobs are given it; "" = all of them. A project alone stands for every job of it."""

    owner: Project | Organization
    environment: str = ""  # only what deploys there, or looks at it
    branch: str = ""  # a branch, a pattern, or tag:pattern

    @property
    def organization(self) -> Organization:
        """In whose audit log it is noted."""
        return self.owner.organization if isinstance(self.owner, Project) else self.owner

    @property
    def columns(self) -> dict[str, Any]:
        """The row's own words for it."""
        whose = "project" if isinstance(self.owner, Project) else "organization"
        return {whose: self.owner, "environment": self.environment, "branch": self.branch}

    def lock(self) -> None:
        """Hold the owner's row, so that what is counted stays so."""
        rows = type(self.owner)._default_manager.select_for_update(no_key=True)
        rows.values_list("pk").get(pk=self.owner.pk)


def put_secret(where: Project | Place, name: str, value: str, *, who: User, kind: str = SecretKind.SECRET) -> Secret:
    """Set one, replacing that of the same name in the same place; SecretError where it cannot be."""
    place = _place(where)
    check_name(name)
    check_value(value, kind)
    check_branch(place.branch)
    with transaction.atomic():
        place.lock()
        others = Secret.objects.filter(**place.columns).exclude(name=name)
        if others.count() >= MOST:
            raise SecretError(f"There are {MOST} secrets already, which is the most: remove one that is not needed.")
        secret = Secret(**place.columns, name=name, kind=kind, value=value, changed_at=timezone.now(), changed_by=who)
        # One statement: the value that is replaced is never opened, which only a lost key could do any harm to.
        unique = [*place.columns, "name"]
        Secret.objects.bulk_create([secret], update_conflicts=True, unique_fields=unique, update_fields=_CHANGES)
        _note(place, "secret.put", who, name, {} if kind == SecretKind.SECRET else {"kind": str(kind)})
        return Secret.objects.defer("value").get(**place.columns, name=name)


def delete_secret(where: Project | Place, name: str, *, who: User) -> bool:
    """Remove one. False where there is none of that name in that place."""
    place = _place(where)
    with transaction.atomic():
        _, gone = Secret.objects.filter(**place.columns, name=name).delete()
        if gone:
            _note(place, "secret.deleted", who, name, {})
    return bool(gone)


def limit_to(place: Place, name: str, projects: Iterable[Project], *, who: User) -> None:
    """Give one of an organisation's to these of its projects alone; none = to all."""
    chosen = [each for each in projects if each.organization_id == place.organization.pk]
    with transaction.atomic():
        secret = Secret.objects.defer("value").get(**place.columns, name=name)
        before = set(secret.projects.values_list("pk", flat=True))
        if before != {each.pk for each in chosen}:
            secret.projects.set(chosen)
            _note(place, "secret.limited", who, name, {"projects": sorted(each.name for each in chosen)})


def secrets_told(where: Project | Place) -> QuerySet[Secret]:
    """What may be told of those of exactly this place: names, and who changed them when. No value is read."""
    return told(Secret.objects.filter(**_place(where).columns))


def told(rows: QuerySet[Secret]) -> QuerySet[Secret]:
    """Rows for pages and API: without their values, with who changed them and which build was given them last."""
    rows = rows.select_related("changed_by", "given_to__build__project").defer(*_UNREAD)
    return rows.order_by("name", "branch", "pk")


def with_values(rows: QuerySet[Secret]) -> list[Any]:
    """The rows as a list: of a plain variable `shown` is the value; of no other is it read, and `shown` is None."""
    found: list[Any] = list(rows)
    plain = [row.pk for row in found if row.kind == SecretKind.VARIABLE]
    values = dict(Secret.objects.filter(pk__in=plain).values_list("pk", "value")) if plain else {}
    for row in found:
        row.shown = values.get(row.pk)
    return found


_UNREAD = [
    "value",
    *(f"given_to__{name}" for name in ("spec", "variables", "record", "notes")),
    "given_to__build__plan",
    *(f"given_to__build__project__{name}" for name in ("hook_secret", "ssh_private_key")),
]


def check_name(name: str) -> None:
    """SecretError where no shell would take it as a variable's name."""
    if len(name) > LONGEST_NAME or not _VARIABLE.fullmatch(name):
        raise SecretError(f"Use letters, digits and _, no digit at the beginning, and at most {LONGEST_NAME} of them.")


def check_value(value: str, kind: str = SecretKind.SECRET) -> None:
    """SecretError where no process could be given it."""
    if kind not in SecretKind.values:
        raise SecretError(f"The kind is one of {', '.join(SecretKind.values)}.")
    if not value and kind != SecretKind.VARIABLE:
        raise SecretError("A secret needs a value.")
    if "\0" in value:
        raise SecretError("A variable cannot hold a NUL.")
    if len(value.encode(errors="surrogatepass")) > LONGEST_VALUE:
        raise SecretError(f"A secret has at most {LONGEST_VALUE // 1024} KiB.")


def check_branch(pattern: str) -> None:
    """SecretError where it can match nothing."""
    if not pattern.isprintable() or len(pattern) > MAX_PATTERN:
        raise SecretError(f"Give a branch or a pattern such as release/*, of at most {MAX_PATTERN} characters.")
    try:
        branch_matches(pattern, "")
    except PatternError as error:
        raise SecretError(f"{pattern}: {error}.") from None


def _place(where: Project | Place) -> Place:
    return where if isinstance(where, Place) else Place(where)


def _note(place: Place, action: str, who: User, name: str, more: dict[str, Any]) -> None:
    narrowed = {key: value for key in ("environment", "branch") if (value := getattr(place, key))}
    subject = place.owner.name
    record(action, subject, user=who, organization=place.organization, details={"name": name, **narrowed, **more})
