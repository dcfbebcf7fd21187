"""Seal again, with the newest key, whatever the database holds that another key sealed; while the service runs.

Each text is replaced only where it is still the one that was read, in a statement of its own: nobody waits, and what a
person sets meanwhile stays. What is done need not be done again, so a run that was killed is simply begun again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Value

from accounts.sealing import (
    DoesNotOpen,
    SealedField,
    as_it_stands,
    is_sealed,
    key_id,
    newest_key_id,
    seal,
    sealed_by,
    unseal,
)

BATCH = 200
# Where a library keeps sealed texts inside of JSON: those of log-ins by a second factor.
IN_JSON = [("mfa.Authenticator", "data")]


@dataclass(frozen=True)
class Place:
    """A column that holds sealed texts."""

    model: type[models.Model]
    name: str
    is_json: bool = False

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.name}"


@dataclass
class Tally:
    """What was found in one place, and what was done."""

    place: Place
    by_key: Counter[str] = field(default_factory=Counter)  # texts by the id of the key that they needed
    resealed: int = 0
    closed: list[object] = field(default_factory=list)  # primary keys of the rows with a text that does not open


def places() -> list[Place]:
    """Every column of every app of ours or of a library that holds sealed texts."""
    found = [
        Place(model, each.attname)
        for model in apps.get_models()
        if not model._meta.proxy
        for each in model._meta.local_concrete_fields
        if isinstance(each, SealedField)
    ]
    for label, name in IN_JSON:
        app, _, model_name = label.partition(".")
        if apps.is_installed(f"allauth.{app}") or app in apps.app_configs:
            found.append(Place(apps.get_model(app, model_name), name, is_json=True))
    return found


def look(place: Place) -> Tally:
    """Which keys a place depends on; nothing is written."""
    return _walk(place, lambda pk, sealed: None)


def rotate(place: Place) -> Tally:
    """Seal it all with the newest key."""
    return _walk(place, lambda pk, sealed: _reseal_json(place, pk) if place.is_json else _reseal(place, pk, sealed))


def known_keys() -> dict[str, str]:
    """The keys of today by their id: what a setting calls each."""
    named = {key_id(key): "OLD_SEALING_KEYS" for key in settings.SEALING_KEYS[1:]}
    return named | {newest_key_id(): "SEALING_KEY"}


def _walk(place: Place, replace: Callable[[Any, str], None]) -> Tally:
    tally, newest = Tally(place), newest_key_id()
    for pk, texts in _rows(place):
        stale = []
        for sealed in texts:
            try:
                needed = sealed_by(sealed)
                is_stale = needed != newest
                if is_stale:
                    unseal(sealed)
            except DoesNotOpen:
                tally.closed.append(pk)
                continue
            tally.by_key[needed] += 1
            stale += [sealed] if is_stale else []
        for sealed in stale[:1] if place.is_json else stale:
            replace(pk, sealed)
        tally.resealed += len(stale)
    return tally


def _rows(place: Place) -> Iterator[tuple[Any, list[str]]]:
    """Every row by primary key, with its sealed texts as they stand."""
    rows = place.model._base_manager.order_by("pk")
    rows = rows.annotate(found=F(place.name) if place.is_json else as_it_stands(place.name))
    last = None
    while True:
        batch = rows if last is None else rows.filter(pk__gt=last)
        found = list(batch.values_list("pk", "found")[:BATCH])
        if not found:
            return
        for pk, value in found:
            yield pk, list(_texts(value)) if place.is_json else [value] if value else []
        last = found[-1][0]


def _reseal(place: Place, pk: Any, sealed: str) -> None:
    """In the place of exactly this text."""
    row = place.model._base_manager.annotate(found=as_it_stands(place.name)).filter(pk=pk, found=sealed)
    row.update(**{place.name: Value(seal(unseal(sealed)), output_field=models.TextField())})


def _reseal_json(place: Place, pk: Any) -> None:
    with transaction.atomic():
        row = place.model._base_manager.select_for_update().filter(pk=pk)
        for value in row.values_list(place.name, flat=True):
            row.update(**{place.name: _resealed(value)})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif is_sealed(value):
        yield value


def _resealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _resealed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resealed(inner) for inner in value]
    return seal(unseal(value)) if is_sealed(value) else value
