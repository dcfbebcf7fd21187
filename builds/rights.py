"""The table: what each role may do. CodeShip's rows (its "permissions" page), and ours below them."""

from __future__ import annotations

from enum import StrEnum

from accounts.models import Role


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
    HALT = "halt the organisation's work"
    CHANGE_ORGANIZATION = "change the organisation"
    DELETE_ORGANIZATION = "delete the organisation"
    EXPORT_ORGANIZATION = "export the organisation's data"


_CONTRIBUTOR = frozenset({Right.VIEW_PROJECT, Right.RESTART_BUILD})
_PROJECT_MANAGER = _CONTRIBUTOR | {
    Right.STOP_BUILD,
    Right.CREATE_PROJECT,
    Right.CHANGE_PROJECT,
    Right.DEPLOY,
    Right.UPDATE_TEAM,  # of teams they are in
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
    Right.HALT,
}

# An administrator of the instance has no rights here but those of their memberships.
RIGHTS: dict[str, frozenset[Right]] = {
    Role.CONTRIBUTOR: _CONTRIBUTOR,
    Role.PROJECT_MANAGER: _PROJECT_MANAGER,
    Role.MANAGER: _MANAGER,
    Role.OWNER: frozenset(Right),
}

# What a team's role gives in the team's projects; all else is the organisation's, and comes from a membership alone.
OF_PROJECT = frozenset(
    {
        Right.VIEW_PROJECT,
        Right.RESTART_BUILD,
        Right.STOP_BUILD,
        Right.CHANGE_PROJECT,
        Right.DEPLOY,
        Right.APPROVE,
        Right.OVERRIDE_WINDOW,
        Right.DELETE_PROJECT,
        Right.TRANSFER_PROJECT,
    }
)


def roles_with(right: Right) -> list[str]:
    """The roles that have `right`."""
    return [role for role, rights in RIGHTS.items() if right in rights]
