"""The key pair that push services know this instance by: made once, kept sealed."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from py_vapid import Vapid02

from notifications.models import InstanceKey

NAME = "vapid"


def vapid() -> Vapid02:
    """The instance's keys."""
    kept = InstanceKey.objects.filter(name=NAME).first()
    if kept is None:
        made = Vapid02()
        made.generate_keys()
        # Where another process was first, its keys are the ones.
        InstanceKey.objects.bulk_create(
            [InstanceKey(name=NAME, value=made.private_pem().decode())], ignore_conflicts=True
        )
        kept = InstanceKey.objects.get(name=NAME)
    keys = Vapid02.from_pem(kept.value.encode())
    keys.conf = {"no-strict": True}  # an instance may be called by a name without a dot
    return keys


def public_key() -> str:
    """What browsers are told: the point, base64url without padding."""
    point = vapid().public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")
