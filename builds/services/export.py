"""An organisation's data as one file: asked for by an owner, made by a worker, kept in storage for a day."""

from __future__ import annotations

import json
import logging
import tempfile
import uuid
import zipfile
from collections.abc import Iterable
from datetime import timedelta
from io import SEEK_END, TextIOWrapper
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.audit import record
from accounts.services.roles import RefusedError, hold
from builds.models import Export
from builds.services.export_parts import parts
from builds.signals import send_on_commit, work_left

log = logging.getLogger(__name__)

LIFE = timedelta(days=1)
PATIENCE = timedelta(minutes=30)
MOST_TRIES = 3
_READ_ME = """The data of {name} on {url}, as of {now}.
Each file is a JSON array. Times are UTC. Of secrets there are the names, never the values.
"""


def exports_of(organization: Organization) -> QuerySet[Export]:
    """Those that are being made or can be downloaded, the newest first."""
    there = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return Export.objects.filter(there, organization=organization).select_related("asked_by").order_by("-pk")


def ask_for_export(organization: Organization, *, by: User) -> Export:
    """Have the file made; RefusedError while one is being made."""
    with transaction.atomic():
        hold(organization)
        if Export.objects.filter(organization=organization, storage_name="", problem="").exists():
            raise RefusedError("A file is being made already.")
        export = Export.objects.create(organization=organization, asked_by=by)
        record("export.asked", organization.name, user=by, organization=organization)
        send_on_commit(work_left, Export)
    return export


def make_exports() -> int:
    """Make what was asked for, and remove what is past its day; how many were made."""
    _forget_old()
    made = 0
    while (export := _claim()) is not None:
        try:
            _make(export)
        except Exception as error:  # the edge of a worker: the next export must not wait for this one
            log.exception("export=%s could not be made", export.uuid)
            _missed(export, error)
        else:
            made += 1
    return made


def _claim() -> Export | None:
    """One that nobody makes; a worker that was killed has its own until PATIENCE is over."""
    now = timezone.now()
    with transaction.atomic():
        free = Q(try_until=None) | Q(try_until__lt=now)
        waiting = Export.objects.filter(free, storage_name="", problem="").order_by("pk")
        found = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("organization").first()
        if found is None:
            return None
        found.tries, found.try_until = found.tries + 1, now + PATIENCE
        if found.tries > MOST_TRIES:
            found.problem = "It could not be made. Ask again; the worker's log says more."
            found.expires_at = now + LIFE
        found.save(update_fields=["tries", "try_until", "problem", "expires_at"])
    return found if not found.problem else None


def _make(export: Export) -> None:
    organization = export.organization
    with tempfile.TemporaryFile() as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            _write(archive, organization)
        size = made.seek(0, SEEK_END)
        made.seek(0)
        name = default_storage.save(f"exports/{organization.uuid}/{uuid.uuid4()}.zip", File(made))
    values = {"storage_name": name, "size": size, "expires_at": timezone.now() + LIFE}
    if not Export.objects.filter(pk=export.pk, storage_name="").update(**values):
        default_storage.delete(name)  # somebody else was quicker, or it is gone


def _write(archive: zipfile.ZipFile, organization: Organization) -> None:
    now = f"{timezone.now():%Y-%m-%d %H:%M} UTC"
    archive.writestr("README.txt", _READ_ME.format(name=organization.name, url=settings.PUBLIC_URL, now=now))
    for part in parts():
        with archive.open(f"{part.name}.json", "w", force_zip64=True) as file:
            _write_rows(file, part.rows(organization))


def _write_rows(file: IO[bytes], rows: Iterable[dict[str, object]]) -> None:
    """A JSON array, a row a line, without holding it in memory."""
    text = TextIOWrapper(file, encoding="utf-8", write_through=True)
    before = "[\n"
    for row in rows:
        text.write(before + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False))
        before = ",\n"
    text.write("[]\n" if before == "[\n" else "\n]\n")
    text.detach()


def _missed(export: Export, error: Exception) -> None:
    if export.tries >= MOST_TRIES:
        problem = f"It could not be made: {type(error).__name__}. Ask again; the worker's log says more."
        Export.objects.filter(pk=export.pk).update(problem=problem, expires_at=timezone.now() + LIFE)
    else:
        Export.objects.filter(pk=export.pk).update(try_until=timezone.now() + timedelta(seconds=30))


def _forget_old() -> None:
    for export in Export.objects.filter(expires_at__lt=timezone.now())[:100]:
        if export.storage_name:
            default_storage.delete(export.storage_name)
        export.delete()
