"""What the frame around every page needs: the person's organisations, and what runs now."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from accounts.models import Membership, Organization
from builds.models import Halt, Job
from builds.organization_rules import may_create
from builds.rights import Right, roles_with
from builds.services.halt import holding
from builds.sight import seen_by
from builds.states import Status
from builds.views.person import person

_MOST_HALTS = 10


class Frame:
    """Asked only by pages that show the frame, so that fragments and streams cost no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _memberships(self) -> list[Membership]:
        user = getattr(self._request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        mine = Membership.objects.filter(user=user).select_related("organization")
        return list(mine.order_by("organization__name")[:200])

    @property
    def organizations(self) -> list[Organization]:
        """Those the person belongs to, by name."""
        return [membership.organization for membership in self._memberships]

    @property
    def audited(self) -> list[str]:
        """The UUIDs of those whose audit log the person may read."""
        roles = roles_with(Right.SEE_AUDIT)
        return [str(each.organization.uuid) for each in self._memberships if each.role in roles]

    @property
    def may_make_organizations(self) -> bool:
        """Whether the person may make another one."""
        return may_create(person(self._request))

    @cached_property
    def organization(self) -> Organization | None:
        """The one that the page is about: named in the address, or the only one there is."""
        slug = self._request.GET.get("organization", "")
        match = self._request.resolver_match
        uuid = match.kwargs.get("organization_uuid") if match else None
        named = next((one for one in self.organizations if one.slug == slug or one.uuid == uuid), None)
        if named is None and len(self.organizations) == 1:
            return self.organizations[0]
        return named

    @cached_property
    def halts(self) -> list[Halt]:
        """What stops new work of the person's organisations."""
        mine = [one.pk for one in self.organizations]
        return list(holding(mine)[:_MOST_HALTS]) if self._is_person else []

    @property
    def _is_person(self) -> bool:
        user = getattr(self._request, "user", None)
        return user is not None and user.is_authenticated

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
