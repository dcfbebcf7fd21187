"""Who may see and do what. What belongs to another organisation does not exist (404); a member's missing right is a 403."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.compiled import Compiled
from accounts.models import Membership, Organization, Role, User
from builds.models import Build, Project, Step

Person = User | AnonymousUser

SEALED = ("hook_secret", "ssh_private_key")  # of a project: to read them is to open them, and no list needs them
# What is large or sealed, of the rows above a step: every look at a log asks for its step.
_UNREAD = ("job__spec", "job__variables", "job__build__plan", *(f"job__build__project__{name}" for name in SEALED))


class Right(StrEnum):
    """What a member may do; the words end the sentence "You may not …"."""

    VIEW_PROJECT = "see the project"
    RESTART_BUILD = "run builds"
    STOP_BUILD = "stop builds"
    CREATE_PROJECT = "create projects"
    CHANGE_PROJECT = "change a project's settings"
    DEPLOY = "deploy or roll back"
    UPDATE_TEAM = "change teams"
    VIEW_ALL_PROJECTS = "see every project"
    APPROVE = "approve"
    OVERRIDE_WINDOW = "let a release go outside its window"
    DELETE_PROJECT = "delete projects"
    TRANSFER_PROJECT = "give projects to another organisation"
    MANAGE_TEAMS = "make or delete teams"
    MANAGE_MEMBERS = "invite, change or remove members"
    MANAGE_SECRETS = "change the organisation's secrets"
    CONNECT = "connect git hosts"
    SEE_AUDIT = "read the audit log"
    CHANGE_ORGANIZATION = "change the organisation"
    DELETE_ORGANIZATION = "delete the organisation"
    EXPORT_ORGANIZATION = "export the organisation's data"


_CONTRIBUTOR = frozenset({Right.VIEW_PROJECT, Right.RESTART_BUILD})
_PROJECT_MANAGER = _CONTRIBUTOR | {
    Right.STOP_BUILD,
    Right.CREATE_PROJECT,
    Right.CHANGE_PROJECT,
    Right.DEPLOY,
    Right.UPDATE_TEAM,
}
_MANAGER = _PROJECT_MANAGER | {
    Right.VIEW_ALL_PROJECTS,
    Right.APPROVE,
    Right.OVERRIDE_WINDOW,
    Right.DELETE_PROJECT,
    Right.TRANSFER_PROJECT,
    Right.MANAGE_TEAMS,
    Right.MANAGE_MEMBERS,
    Right.MANAGE_SECRETS,
    Right.CONNECT,
    Right.SEE_AUDIT,
}

# CodeShip's table. An administrator of the instance has no rights here but those of their memberships.
RIGHTS: dict[str, frozenset[Right]] = {
    Role.CONTRIBUTOR: _CONTRIBUTOR,
    Role.PROJECT_MANAGER: _PROJECT_MANAGER,
    Role.MANAGER: _MANAGER,
    Role.OWNER: frozenset(Right),
}


def organizations_of(user: Person) -> QuerySet[Organization]:
    """The organisations that `user` is a member of, by name."""
    if not user.is_authenticated:
        return Organization.objects.none()
    return Organization.objects.filter(memberships__user=user).order_by("name")


def readable_projects(user: Person) -> QuerySet[Project]:
    """Every project that `user` may see."""
    if not user.is_authenticated:
        return Project.objects.none()
    return Project.objects.filter(organization__memberships__user=user)


def readable_builds(user: Person) -> QuerySet[Build]:
    """Every build that `user` may see."""
    if not user.is_authenticated:
        return Build.objects.none()
    return Build.objects.filter(project__organization__memberships__user=user)


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
        organization__memberships__user_id=user_pk, uuid=uuid, organization__uuid=organization_uuid
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
        organization__memberships__user_id=user_pk, uuid=uuid, organization__uuid=organization_uuid
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
    """What `user` may do in `project`: nothing where they do not see it."""
    return rights_of(user, project.organization)


def may_in(user: User, project: Project, right: Right) -> bool:
    """Whether `user` has `right` in `project`."""
    return right in rights_in(user, project)


def require_in(user: User, project: Project, right: Right) -> None:
    """Go on only where `user` has `right` in `project`: Http404 for who does not see it, PermissionDenied for who does."""
    require(user, project.organization, right)


def _role(user: Person, organization: Organization) -> str | None:
    if not user.is_authenticated:
        return None
    memberships = Membership.objects.filter(user=user, organization=organization)
    return memberships.values_list("role", flat=True).first()
