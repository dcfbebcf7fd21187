"""Teams: makes and changes them, and who is in them. Which projects they have is `builds.services.team_projects`."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Membership, Organization, Role, Team, User
from accounts.services.audit import record
from accounts.services.roles import RefusedError, check_may_give, hold, is_at_least, role_of

MOST_TEAMS = 200


def create_team(organization: Organization, name: str, *, role: str, by: User) -> Team:
    """A new team without members; RefusedError where the name is taken or the role above that of `by`."""
    name = name.strip()
    with transaction.atomic():
        hold(organization)
        check_may_give(by, organization, role)
        _check_name(organization, name)
        if organization.teams.count() >= MOST_TEAMS:
            raise RefusedError(f"There are {MOST_TEAMS} teams already.")
        team = Team.objects.create(organization=organization, name=name, role=role)
        record("team.created", name, user=by, organization=organization, details={"role": role})
    return team


def change_team(team: Team, *, name: str, role: str, by: User) -> None:
    """Another name, another role; RefusedError."""
    name = name.strip()
    with transaction.atomic():
        held = _held(team, by)
        check_may_give(by, held.organization, role)
        _check_name(held.organization, name, but=held)
        details = {"from": [held.name, held.role], "to": [name, role]}
        held.name, held.role = name, role
        held.save(update_fields=["name", "role"])
        record("team.changed", name, user=by, organization=held.organization, details=details)


def add_to_team(team: Team, user: User, *, by: User) -> None:
    """Put a member of the organisation into the team; RefusedError."""
    with transaction.atomic():
        held = _held(team, by)
        if not Membership.objects.filter(organization=held.organization, user=user).exists():
            raise RefusedError(f"{user} is no member of {held.organization}: invite them first.")
        if held.members.filter(pk=user.pk).exists():
            return
        held.members.add(user)
        _note("team.member_added", held, user, by)


def take_from_team(team: Team, user: User, *, by: User) -> None:
    """Take somebody out of the team; RefusedError."""
    with transaction.atomic():
        held = _held(team, by)
        if not held.members.filter(pk=user.pk).exists():
            return
        held.members.remove(user)
        _note("team.member_removed", held, user, by)


def may_change(team: Team, user: User, role: str | None = None) -> bool:
    """Whether `user`, with `role` in the organisation, may change this team: a project manager only one they are in."""
    role = role_of(user, team.organization) if role is None else role
    if role is None or not is_at_least(role, Role.PROJECT_MANAGER) or not is_at_least(role, team.role):
        return False
    return is_at_least(role, Role.MANAGER) or team.members.filter(pk=user.pk).exists()


def _held(team: Team, by: User) -> Team:
    """The team as it is now, with its organisation's row locked, where `by` may change it."""
    hold(team.organization)
    held = Team.objects.select_related("organization").filter(pk=team.pk).first()
    if held is None:
        raise RefusedError("This team is gone.")
    if not may_change(held, by):
        raise RefusedError("You may change teams that you are in and whose role is not above yours; ask an owner.")
    return held


def _check_name(organization: Organization, name: str, *, but: Team | None = None) -> None:
    if not name or len(name) > 100 or not name.isprintable():
        raise RefusedError("Give a name of at most 100 characters, such as Backend.")
    named = organization.teams.filter(name__iexact=name)
    if (named.exclude(pk=but.pk) if but else named).exists():
        raise RefusedError(f"There is a team named {name} already.")


def _note(action: str, team: Team, user: User, by: User) -> None:
    details = {"member": user.email, "role": team.role}
    record(action, team.name, user=by, organization=team.organization, details=details)
