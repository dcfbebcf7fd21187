"""What the export of an organisation's data tells of its notifications: the rules, without where their hooks are."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import Organization
from builds.services.export_parts import Part, Row, also, columns
from notifications.models import Rule


def _rules(organization: Organization) -> Iterator[Row]:
    rules = Rule.objects.filter(project__organization=organization, project__deleting_at=None)
    return columns(rules, ("uuid", "project__uuid", "events", "branch", "channel", "enabled", "created_at"))


also(Part("rules", _rules))
