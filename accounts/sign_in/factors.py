"""What django-allauth asks about second factors: their secrets are sealed in the database."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.sealing import seal, unseal
from accounts.sign_in.words import ERRORS


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Our answers to allauth's questions."""

    error_messages = {**DefaultMFAAdapter.error_messages, **ERRORS}

    def encrypt(self, text: str) -> str:
        """A TOTP secret, or the seed of recovery codes, as the database has it."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """As it was."""
        return unseal(encrypted_text)
