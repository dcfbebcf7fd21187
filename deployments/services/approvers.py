"""Who may agree to a deployment."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Membership, Role, User
from accounts.services.roles import is_at_least
from builds.pipeline.delivery import Approval
from builds.sight import higher, memberships_in
from deployments.models import Deployment


def refusal(rule: Approval, deployment: Deployment, user: User) -> str:
    """Why `user` may not agree, as a sentence; "" where they may.

    The deployment's environment with its project, and its release with its build, are read from it.
    """
    member = _members(deployment).filter(user=user).first()
    if member is None or not _is_named(rule, _role_in(member), user):
        return f"Only {named(rule)} may approve this"
    if rule.not_author and _is_author(deployment, user):
        return "Who wrote or asked for a release may not approve it: somebody else has to"
    return ""


def who_may(rule: Approval, deployment: Deployment) -> list[User]:
    """Everybody who may agree, by e-mail address."""
    members = _members(deployment).filter(user__is_active=True).select_related("user").order_by("user__email")
    people = [member.user for member in members if _is_named(rule, _role_in(member), member.user)]
    return [user for user in people if not (rule.not_author and _is_author(deployment, user))]


def counts(rule: Approval, deployment: Deployment) -> bool:
    """Whether somebody agreed whom the rule of today allows to."""
    decisions = deployment.decisions.filter(approved=True).select_related("user")
    return any(each.user is not None and not refusal(rule, deployment, each.user) for each in decisions)


def named(rule: Approval) -> str:
    """Whom the rule names, in words: "a manager or ann@x.org"."""
    roles = [f"{'an' if role == Role.OWNER else 'a'} {Role(role).label.lower()}" for role in _roles(rule)]
    return " or ".join((*roles, *rule.people))


def _members(deployment: Deployment) -> QuerySet[Membership]:
    """Those who see the project."""
    project = deployment.environment.project
    return memberships_in(project.pk, project.organization_id)


def _role_in(member: Membership) -> str:
    return higher(member.role, member.team_role)  # type: ignore[attr-defined]  # annotated


def _is_named(rule: Approval, role: str, user: User) -> bool:
    by_role = any(is_at_least(role, least) for least in _roles(rule))
    return by_role or user.email.lower() in {person.lower() for person in rule.people}


def _roles(rule: Approval) -> tuple[str, ...]:
    """Where nobody is named: whoever may deploy."""
    return rule.roles or (() if rule.people else (Role.PROJECT_MANAGER,))


def _is_author(deployment: Deployment, user: User) -> bool:
    build, address = deployment.release.build, user.email.lower()
    wrote = address in {build.author_email.strip().lower(), build.author_username.strip().lower()}
    return wrote or deployment.requested_by_id == user.pk
