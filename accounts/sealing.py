"""Texts that are encrypted at rest: what the database holds opens only with a key of SEALING_KEYS.

The first key seals, all open: so a key is changed while the service runs (services/rotate_keys.py). A sealed text is a
Fernet token alone, as in the first releases, while there is one key: a process of the release before opens it, so both
can run during an upgrade. Where there are more keys it is `k1.<id of its key>.<Fernet token>`. Both open at any time.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.functions import Cast

_SEALED = re.compile(r"k1\.([0-9a-f]{8})\.(.+)", re.DOTALL)
_BARE = "gAAAA"  # how every Fernet token begins until the year 2106


class DoesNotOpen(ImproperlyConfigured):
    """A sealed value whose key is not there any more, or that was changed by somebody else; the text has the remedy."""


@lru_cache(maxsize=32)
def _box(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"seal:" + key.encode()).digest()))


@lru_cache(maxsize=32)
def key_id(key: str) -> str:
    """What a key is called beside what it sealed; it says nothing of the key."""
    return hashlib.sha256(b"which sealing key:" + key.encode()).hexdigest()[:8]


def newest_key_id() -> str:
    """Of the key that seals."""
    return key_id(settings.SEALING_KEYS[0])


def seal(text: str) -> str:
    """`text`, encrypted with the first key; with the key's id where there are others."""
    key = settings.SEALING_KEYS[0]
    token = _box(key).encrypt(text.encode()).decode()
    return token if len(settings.SEALING_KEYS) == 1 else f"k1.{key_id(key)}.{token}"


def unseal(sealed: str) -> str:
    """What `seal` was given. DoesNotOpen where no key of today fits."""
    return _opened(sealed)[0]


def sealed_by(sealed: str) -> str:
    """The id of the key that a sealed text needs. DoesNotOpen where the text is a token alone, and no key of today opens it."""
    found = _SEALED.fullmatch(sealed)
    return found[1] if found else _opened(sealed)[1]


def is_sealed(text: object) -> bool:
    """Whether it looks like what `seal` makes, or made once."""
    return isinstance(text, str) and (text.startswith(_BARE) or _SEALED.fullmatch(text) is not None)


def _opened(sealed: str) -> tuple[str, str]:
    found = _SEALED.fullmatch(sealed)
    wanted, token = (found[1], found[2]) if found else ("", sealed)
    for key in settings.SEALING_KEYS:
        if wanted and key_id(key) != wanted:
            continue
        try:
            return _box(key).decrypt(token.encode()).decode(), key_id(key)
        except InvalidToken:
            continue
    which = f" {wanted}" if wanted else ""
    raise DoesNotOpen(f"A sealed value does not open: put its key{which} into OLD_SEALING_KEYS") from None


def as_it_stands(field: str) -> Cast:
    """For `annotate`: the field's text as the database has it, sealed."""
    return Cast(field, models.TextField())


class SealedField(models.TextField):  # type: ignore[type-arg]  # generic in the stubs only
    """Text that is sealed on its way to the database and opened on its way back; it cannot be searched."""

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """Open."""
        return unseal(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        """Seal."""
        text = super().get_prep_value(value)
        return seal(text) if text else text
