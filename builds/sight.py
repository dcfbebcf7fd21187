"""Who sees a project, said once: members see those without teams; with teams, the members of these and who sees every one."""

from __future__ import annotations

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from accounts.models import Membership, Role, Team
from accounts.services.roles import RANKS
from builds.models import Project
from builds.rights import Right, roles_with

_BY_RANK = Case(*(When(role=role, then=Value(rank)) for rank, role in enumerate(RANKS)))


def seen_by(user_pk: int, project: str = "") -> Q:
    """The condition on rows of which `project` ("project__", "job__build__project__") leads to a project; "" = itself."""
    its_teams = Project.teams.through._default_manager.filter(project=OuterRef(f"{project}pk"))
    membership = f"{project}organization__memberships"
    sees_all = Q(**{f"{membership}__role__in": roles_with(Right.VIEW_ALL_PROJECTS)})
    of_team = Q(Exists(its_teams.filter(team__members=user_pk)))
    there = Q(**{f"{membership}__user": user_pk, f"{project}deleting_at": None})
    return there & (sees_all | ~Q(Exists(its_teams)) | of_team)


def memberships_in(project_pk: int, organization_pk: int) -> QuerySet[Membership]:
    """The memberships of who sees a project, each with `team_role`: the highest role of their teams there, or None."""
    its_teams = Team.objects.filter(projects=project_pk)
    of_member = its_teams.filter(members=OuterRef("user")).order_by(_BY_RANK).values("role")
    members = Membership.objects.filter(organization=organization_pk).annotate(team_role=Subquery(of_member[:1]))
    sees_all = Q(role__in=roles_with(Right.VIEW_ALL_PROJECTS))
    return members.filter(sees_all | Q(team_role__isnull=False) | ~Q(Exists(its_teams)))


def higher(role: str, team_role: str | None) -> str:
    """Which of both counts in the project."""
    return min((role, team_role), key=lambda each: RANKS.index(Role(each))) if team_role else role
