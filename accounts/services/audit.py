"""Writes the audit log: who changed what, in the transaction of the change."""

from __future__ import annotations

from typing import Any

from accounts.models import AuditEntry, Organization, User
from accounts.request_address import request_address


def record(
    action: str,
    subject: str,
    *,
    user: User | None,
    organization: Organization | None = None,
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    """Note that `user` did `action` ("token.made") to `subject` ("laptop"); `details` are plain values, never a secret."""
    return AuditEntry.objects.create(
        action=action,
        subject=subject[:200],
        user=user,
        organization=organization,
        details=details or {},
        address=request_address(),
    )
