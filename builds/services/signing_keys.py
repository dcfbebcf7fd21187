"""The keys that sign the tokens of jobs: made at need, replaced on demand, and told to whoever verifies."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import transaction
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from builds.models import SigningKey

ALGORITHM = "RS256"
LONGEST_SECONDS = 3600  # that a token lives
_TOLD_AFTER = timedelta(seconds=2 * LONGEST_SECONDS)
_BITS = 2048


def current() -> SigningKey:
    """The key that signs now; made where there is none."""
    return SigningKey.objects.filter(retired_at=None).order_by("-pk").first() or _made()


def roll() -> str:
    """Sign with a new key from now on; its id. What the old ones signed can be verified until it has ended."""
    with transaction.atomic():
        SigningKey.objects.filter(retired_at__lt=timezone.now() - _TOLD_AFTER).delete()
        SigningKey.objects.filter(retired_at=None).update(retired_at=timezone.now())
        return _made().kid


def key_set() -> dict[str, Any]:
    """A JSON Web Key Set: every key that signed what may still be shown."""
    told = SigningKey.objects.exclude(retired_at__lt=timezone.now() - _TOLD_AFTER).order_by("-pk")
    return {"keys": list(told.values_list("public", flat=True))}


def _made() -> SigningKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    kid = secrets.token_hex(8)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    public = {"kty": told["kty"], "n": told["n"], "e": told["e"], "kid": kid, "use": "sig", "alg": ALGORITHM}
    return SigningKey.objects.create(kid=kid, private=private.decode(), public=public)
