"""The keys that sign what this instance says of its jobs to clouds."""

from __future__ import annotations

from django.db import models

from accounts.sealing import SealedField


class SigningKey(models.Model):
    """An RSA key. The newest that is not retired signs; a retired one's public part is told until its last token ended."""

    kid = models.CharField(max_length=40, unique=True, help_text="What tokens call it.")
    private = SealedField(help_text="PEM, PKCS 8.")
    public = models.JSONField(help_text="As a JSON Web Key.")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.kid
