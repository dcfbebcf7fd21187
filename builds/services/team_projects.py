"""Which projects a team has, and what becomes of them when it goes: a project without any team is every member's."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, QuerySet

from accounts.models import Team, User
from accounts.services.audit import record
from accounts.services.roles import RefusedError, check_may_give, hold
from accounts.services.teams import may_change
from builds.access import SEALED, readable_projects
from builds.models import Project


class OpensError(RefusedError):
    """The act would show projects to every member; the text names them. It is done where the person agrees."""


def choosable(team: Team, user: User) -> list[Project]:
    """The projects that `user`, who may change the team, can give it: those they see, by name.

    Who may change teams has a role that may change every project they see.
    """
    seen = readable_projects(user).filter(organization=team.organization_id)
    return list(seen.defer(*SEALED).order_by("name"))


def set_projects(team: Team, wanted: Iterable[Project], *, by: User, opening: bool = False) -> None:
    """Give the team exactly `wanted` of the projects that `by` may change, and leave it the others.

    OpensError where a project would lose its last team, and with it be shown to every member, unless `opening`.
    """
    with transaction.atomic():
        organization = hold(team.organization)
        if not may_change(team, by):
            raise RefusedError("You may change teams that you are in and whose role is not above yours; ask an owner.")
        mine = {project.pk: project for project in choosable(team, by)}
        before = set(team.projects.filter(pk__in=list(mine)).values_list("pk", flat=True))
        after = {project.pk for project in wanted} & mine.keys()
        if not opening:
            _check_none_opens(team, team.projects.filter(pk__in=before - after))
        team.projects.remove(*(before - after))
        team.projects.add(*(after - before))
        if before != after:
            details = {
                "added": sorted(mine[pk].name for pk in after - before),
                "removed": sorted(mine[pk].name for pk in before - after),
            }
            record("team.projects_changed", team.name, user=by, organization=organization, details=details)


def delete_team(team: Team, *, by: User, opening: bool = False) -> None:
    """Remove the team; OpensError where it is the last of some project, unless `opening`."""
    with transaction.atomic():
        organization = hold(team.organization)
        check_may_give(by, organization, team.role)
        opened = only_of(team, team.projects.all())
        if not opening:
            _check_none_opens(team, team.projects.all())
        details = {"opened": [project.name for project in opened]}
        record("team.deleted", team.name, user=by, organization=organization, details=details)
        team.delete()


def only_of(team: Team, projects: QuerySet[Project]) -> list[Project]:
    """Those of `projects`, all the team's, that have no other team."""
    keys = projects.values("pk")
    counted = Project.objects.filter(pk__in=keys).annotate(count=Count("teams")).filter(count=1)
    return list(counted.order_by("name"))


def _check_none_opens(team: Team, projects: QuerySet[Project]) -> None:
    if opened := only_of(team, projects):
        names = ", ".join(project.name for project in opened[:10])
        more = f" and {len(opened) - 10} more" if len(opened) > 10 else ""
        raise OpensError(f"Without {team.name} every member of {team.organization} would see {names}{more}.")
