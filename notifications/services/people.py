"""People, as messages ask for them: who wrote a commit, who sees a project, and what each wishes to hear."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.services.identities import user_of_email, user_of_username
from builds.access import readable_projects
from builds.models import Project
from builds.sight import memberships_in
from notifications.models import Browser, Event, Level, ProjectWish, Wish
from notifications.services.happening import Happening

MOST_AT_ONCE = 500  # people of one message
USUAL = (
    *(Event.FAILED, Event.RECOVERED),
    *(Event.DEPLOY_FAILED, Event.ROLLED_BACK, Event.UNHEALTHY, Event.HEALTHY),
)


@dataclass(frozen=True)
class Wishes:
    """What one person wishes to hear of one project, and how."""

    level: str
    by_mail: bool
    by_push: bool


def sees(user: User, project: Project) -> bool:
    """Whether messages about a project are any business of theirs: today, not when they were written."""
    return user.is_active and readable_projects(user).filter(pk=project.pk).exists()


def committer_of(happening: Happening) -> User | None:
    """Whose commit it is: by an address that they confirmed, or by their name at the git host."""
    if user := user_of_email(happening.committer):
        return user
    return user_of_username(happening.project.provider, happening.username)


def people_with(addresses: list[str]) -> list[User]:
    """The people who log in with these addresses."""
    return list(
        User.objects.filter(email__in=[address.lower() for address in addresses], is_active=True)[:MOST_AT_ONCE]
    )


def members_of(project: Project) -> list[User]:
    """Everybody who sees the project."""
    members = memberships_in(project.pk, project.organization_id).values("user")
    return list(User.objects.filter(pk__in=members, is_active=True).order_by("pk")[:MOST_AT_ONCE])


def team_of(project: Project, uuid: UUID) -> list[User]:
    """The people of a team that looks after the project."""
    return list(
        User.objects.filter(teams__uuid=uuid, teams__projects=project, is_active=True).order_by("pk")[:MOST_AT_ONCE]
    )


def wishes_of(user: User, project: Project) -> Wishes:
    """What they said of this project, or else of all; where they said nothing, what the rules send."""
    wish = Wish.objects.filter(user=user).first() or Wish(user=user)
    level = ProjectWish.objects.filter(user=user, project=project).values_list("level", flat=True).first()
    return Wishes(level or wish.level, by_mail=user.gets_mail and wish.by_mail, by_push=wish.by_push)


def who_asked(project: Project, events: set[Event]) -> list[tuple[User, frozenset[str]]]:
    """Who asked to hear of the project, be it of all or of their own builds, and of which of these events."""
    found = _asking(project).select_related("wish")[:MOST_AT_ONCE]
    chosen = [(user, frozenset(_events_of(user)) & {str(event) for event in events}) for user in found]
    return [(user, names) for user, names in chosen if names]


def browsers_of(user: User) -> list[Browser]:
    """The browsers that show them messages."""
    return list(Browser.objects.filter(user=user).order_by("pk"))


def _events_of(user: User) -> list[str]:
    wish = getattr(user, "wish", None)
    return [str(event) for event in USUAL] if wish is None or wish.events is None else list(wish.events)


def _asking(project: Project) -> QuerySet[User]:
    here = ProjectWish.objects.filter(user=OuterRef("pk"), project=project)
    levels = (Level.ALL, Level.OWN)
    asking = Q(Exists(here.filter(level__in=levels))) | Q(wish__level__in=levels) & ~Q(Exists(here))
    members = memberships_in(project.pk, project.organization_id).values("user")
    return User.objects.filter(asking, pk__in=members, is_active=True).order_by("pk")
