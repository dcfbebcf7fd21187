"""Names for a build's services, which have no rows of their own."""

from __future__ import annotations

from uuid import UUID, uuid5


def service_uuid(build_uuid: UUID | str, name: str) -> UUID:
    """The same for the same service of the same build."""
    return uuid5(UUID(str(build_uuid)), f"service:{name}")
