"""A row for every field that is sealed, of every app: found by introspection, so that a new one is not forgotten."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.utils import timezone

from accounts.sealing import SealedField

Sealed = dict[tuple[type[models.Model], Any, str], str]


def make_sealed_rows(*there: models.Model) -> Sealed:
    """One row of each model with sealed fields, and what each holds by (model, primary key, field).

    What such a row needs is one of `there`, or made.
    """
    known = {type(row): row for row in there}
    held: Sealed = {}
    for model in apps.get_models():
        names = [field.attname for field in model._meta.local_concrete_fields if isinstance(field, SealedField)]
        if names:
            values = {name: f"{name} of a {model._meta.label}" for name in names}
            if model in known:
                model._base_manager.filter(pk=known[model].pk).update(**values)
                row = known[model]
            else:
                row = _made(model, known, **values)
            held |= {(model, row.pk, name): value for name, value in values.items()}
    return held


def _made(model: type[models.Model], known: dict[type, models.Model], **values: object) -> models.Model:
    for field in model._meta.local_concrete_fields:
        optional = field.null or field.blank or field.has_default() or field.db_default is not NOT_PROVIDED
        if field.attname in values or field.primary_key or (optional and field.name not in {"project", "organization"}):
            continue
        values[field.name] = _value(field, known)
    if model._meta.label == "builds.Secret":
        values["organization"] = None  # it has one owner
    row = model._base_manager.create(**values)
    known.setdefault(model, row)
    return row


def _value(field: models.Field, known: dict[type, models.Model]) -> object:
    if isinstance(field, models.ForeignKey):
        return known.get(field.related_model) or _made(field.related_model, known)
    if field.choices:
        return field.choices[0][0]
    samples = {
        models.UUIDField: uuid.uuid4(),
        models.DateTimeField: timezone.now() + timedelta(hours=1),
        models.DateField: date(2026, 1, 1),
        models.JSONField: {},
        models.IntegerField: 1,
        models.BooleanField: False,
    }
    return next((value for kind, value in samples.items() if isinstance(field, kind)), uuid.uuid4().hex[:8])
