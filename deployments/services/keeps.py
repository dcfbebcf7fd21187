"""Which builds deployments hold on to: whatever was delivered can be brought back, and its history be read."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.models import Release


def released(builds: Sequence[int]) -> set[int]:
    """Of these keys of builds, those with a release."""
    return set(Release.objects.filter(build__in=builds).values_list("build_id", flat=True))
