"""Who may see and do what. What belongs to another organisation does not exist (404); a member's missing right is a 403."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.compiled import Compiled
from accounts.models import Membership, Organization, User
from builds.models import Build, Project, Step
from builds.rights import OF_PROJECT, RIGHTS, Right
from builds.sight import memberships_in, seen_by

__all__ = [
    "RIGHTS",
    "SEALED",
    "BuildSpan",
    "Right",
    "build_in_or_404",
    "build_or_404",
    "builds_in_or_404",
    "may",
    "may_in",
    "organization_or_404",
    "organizations_of",
    "project_in_or_404",
    "project_or_404",
    "project_pk_in_or_404",
    "readable_builds",
    "readable_projects",
    "require",
    "require_in",
    "rights_in",
    "rights_of",
    "step_in_or_404",
    "step_or_404",
]

Person = User | AnonymousUser

SEALED = ("hook_secret", "ssh_private_key")  # of a project: to read them is to open them, and no list needs them
# What is large or sealed, of the rows above a step: every look at a log asks for its step.
_UNREAD = ("job__spec", "job__variables", "job__build__plan", *(f"job__build__project__{name}" for name in SEALED))


def organizations_of(user: Person) -> QuerySet[Organization]:
    """The organisations that `user` is a member of, by name."""
    if not user.is_authenticated:
        return Organization.objects.none()
    return Organization.objects.filter(memberships__user=user).order_by("name")


def readable_projects(user: Person) -> QuerySet[Project]:
    """Every project that `user` may see."""
    if not user.is_authenticated:
        return Project.objects.none()
    return Project.objects.filter(seen_by(user.pk))


def readable_builds(user: Person) -> QuerySet[Build]:
    """Every build that `user` may see."""
    if not user.is_authenticated:
        return Build.objects.none()
    return Build.objects.filter(seen_by(user.pk, "project__"))


def organization_or_404(user: Person, uuid: UUID) -> Organization:
    """One organisation of `user`."""
    return get_object_or_404(organizations_of(user), uuid=uuid)


def project_or_404(user: Person, uuid: UUID) -> Project:
    """One project that `user` may see, with its organisation."""
    return get_object_or_404(readable_projects(user).select_related("organization"), uuid=uuid)


def build_or_404(user: Person, project_uuid: UUID, number: int) -> Build:
    """One build by its number in its project, with project and organisation."""
    builds = readable_builds(user).select_related("project__organization")
    return get_object_or_404(builds, project__uuid=project_uuid, number=number)


def project_in_or_404(user: Person, organization_uuid: UUID, uuid: UUID) -> Project:
    """One project under the organisation that the address names, with it."""
    projects = readable_projects(user).select_related("organization")
    return get_object_or_404(projects, uuid=uuid, organization__uuid=organization_uuid)


def project_pk_in_or_404(user: Person, organization_uuid: UUID, uuid: UUID) -> int:
    """The key of that project, for lists that need nothing else of it: no secrets are opened."""
    for (pk,) in _PROJECT_PK.rows(user.pk, organization_uuid, uuid):
        return int(pk)
    raise Http404


_PROJECT_PK = Compiled(
    lambda user_pk, organization_uuid, uuid: Project.objects.filter(
        seen_by(user_pk), uuid=uuid, organization__uuid=organization_uuid
    ).values_list("pk"),
    *(7, UUID(int=1), UUID(int=2)),
)


@dataclass(frozen=True)
class BuildSpan:
    """A project's builds by number, from the oldest to the newest that there are; 0 = none."""

    project_pk: int
    oldest: int
    newest: int


def builds_in_or_404(user: Person, organization_uuid: UUID, uuid: UUID) -> BuildSpan:
    """The builds of that project."""
    for pk, oldest, newest in _SPAN.rows(user.pk, organization_uuid, uuid):
        return BuildSpan(pk, oldest or 0, newest or 0)
    raise Http404


def _end(order: str) -> Subquery:
    """The number of the build at one end of a project."""
    return Subquery(Build.objects.filter(project=OuterRef("pk")).order_by(order).values("number")[:1])


_SPAN = Compiled(
    lambda user_pk, organization_uuid, uuid: Project.objects.filter(
        seen_by(user_pk), uuid=uuid, organization__uuid=organization_uuid
    ).values_list("pk", _end("number"), _end("-number")),
    *(7, UUID(int=1), UUID(int=2)),
)


def build_in_or_404(user: Person, organization_uuid: UUID, project_uuid: UUID, uuid: UUID) -> Build:
    """One build under the organisation and project that the address names, with both; its plan is not read."""
    builds = readable_builds(user).select_related("project__organization").defer("plan")
    of_both = {"project__uuid": project_uuid, "project__organization__uuid": organization_uuid}
    return get_object_or_404(builds, uuid=uuid, **of_both)


def step_in_or_404(user: Person, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID, uuid: UUID) -> Step:
    """One step under the organisation, project and build that the address names."""
    builds = readable_builds(user).filter(
        uuid=build_uuid, project__uuid=project_uuid, project__organization__uuid=organization_uuid
    )
    return get_object_or_404(Step, job__build__in=builds, uuid=uuid)


def step_or_404(user: Person, uuid: UUID) -> Step:
    """One step that `user` may see, with job, build, project and organisation."""
    steps = Step.objects.filter(job__build__in=readable_builds(user))
    return get_object_or_404(steps.select_related("job__build__project__organization").defer(*_UNREAD), uuid=uuid)


def rights_of(user: Person, organization: Organization) -> frozenset[Right]:
    """What `user` may do in `organization`: nothing where they are no member."""
    role = _role(user, organization)
    return frozenset() if role is None else RIGHTS[role]


def may(user: Person, organization: Organization, right: Right) -> bool:
    """Whether `user` has `right` in `organization`."""
    return right in rights_of(user, organization)


def require(user: Person, organization: Organization, right: Right) -> None:
    """Go on only where `user` has `right` in `organization`: Http404 for strangers, PermissionDenied for members."""
    role = _role(user, organization)
    if role is None:
        raise Http404
    if right not in RIGHTS[role]:
        raise PermissionDenied(f"You may not {right}: ask an owner of {organization}.")


def rights_in(user: User, project: Project) -> frozenset[Right]:
    """What `user` may do in `project`, by their role or their team's: nothing where they do not see it."""
    return _rights_in(user, project) or frozenset()


def may_in(user: User, project: Project, right: Right) -> bool:
    """Whether `user` has `right` in `project`."""
    return right in rights_in(user, project)


def require_in(user: User, project: Project, right: Right) -> None:
    """Go on only where `user` has `right` in `project`: Http404 for who does not see it, PermissionDenied for who does."""
    rights = _rights_in(user, project)
    if rights is None:
        raise Http404
    if right not in rights:
        raise PermissionDenied(f"You may not {right}: ask an owner of {project.organization}.")


def _rights_in(user: Person, project: Project) -> frozenset[Right] | None:
    """None: they do not see it."""
    if not user.is_authenticated:
        return None
    for role, team_role in _STANDING.rows(user.pk, project.pk, project.organization_id):
        return RIGHTS[role] | (RIGHTS[team_role] & OF_PROJECT if team_role else frozenset())
    return None


def _standing(user_pk: int, project_pk: int, organization_pk: int) -> QuerySet[Any, Any]:
    members: QuerySet[Any] = memberships_in(project_pk, organization_pk)
    return members.filter(user=user_pk).values_list("role", "team_role")


_STANDING = Compiled(_standing, 101, 102, 103)


def _role(user: Person, organization: Organization) -> str | None:
    if not user.is_authenticated:
        return None
    memberships = Membership.objects.filter(user=user, organization=organization)
    return memberships.values_list("role", flat=True).first()
