"""Make the secrets of a project be exactly those of a list, as CodeShip's API sets a project's variables."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from builds.models import Project
from builds.services.secrets import delete_secret, put_secret, secrets_told


def replace_secrets(project: Project, wanted: Mapping[str, str | None], *, who: User) -> None:
    """Set those with a value; keep those with None, which is how they are told; remove all others. SecretError where one
    cannot be."""
    with transaction.atomic():
        known = {secret.name for secret in secrets_told(project)}
        for name in sorted(known - wanted.keys()):
            delete_secret(project, name, who=who)
        for name, value in wanted.items():
            if value or name not in known:
                put_secret(project, name, value or "", who=who)
