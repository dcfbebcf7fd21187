"""What the frame around every page needs: the person's organisations, and what runs now."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from accounts.models import Organization
from builds.models import Job
from builds.sight import seen_by
from builds.states import Status


class Frame:
    """Asked only by pages that show the frame, so that fragments and streams cost no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def organizations(self) -> list[Organization]:
        """Those the person belongs to, by name."""
        user = getattr(self._request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        return list(user.organizations.order_by("name")[:200])

    @cached_property
    def organization(self) -> Organization | None:
        """The one that the page is about: named in the address, or the only one there is."""
        slug = self._request.GET.get("organization", "")
        named = next((one for one in self.organizations if one.slug == slug), None)
        if named is None and len(self.organizations) == 1:
            return self.organizations[0]
        return named

    @cached_property
    def running_count(self) -> int:
        """Builds with a running job, of the projects that the person sees."""
        user = getattr(self._request, "user", None)
        if user is None or not user.is_authenticated:
            return 0
        jobs = Job.objects.filter(seen_by(user.pk, "build__project__"), status=Status.RUNNING)
        return jobs.values("build").distinct().count()


def frame(request: HttpRequest) -> dict[str, Any]:
    """Values for base.html."""
    return {"frame": Frame(request)}
