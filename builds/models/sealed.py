"""A text field that is encrypted at rest: what the database holds opens only with a key of SEALING_KEYS."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"seal:" + key.encode()).digest())) for key in keys]
    )


def seal(text: str) -> str:
    """`text`, encrypted with the first key."""
    return _box(tuple(settings.SEALING_KEYS)).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What `seal` was given; a key that is not there any more is an error with its remedy."""
    try:
        return _box(tuple(settings.SEALING_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ImproperlyConfigured("A sealed value does not open: put its key into OLD_SEALING_KEYS") from None


class SealedField(models.TextField):  # type: ignore[type-arg]  # generic in the stubs only
    """Text that is sealed on its way to the database and opened on its way back; it cannot be searched."""

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """Open."""
        return unseal(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        """Seal."""
        text = super().get_prep_value(value)
        return seal(text) if text else text
