"""A mail a day of what happened in somebody's projects, at an hour of theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Count, Q
from django.template.loader import render_to_string
from django.utils import timezone

from builds.access import readable_projects
from builds.addresses import build_url, project_url
from builds.models import Build, Project
from builds.outbound.outbox import handles, put
from builds.states import BROKEN, FINAL, Status
from deployments.models import DeploymentMove
from deployments.states import DeploymentStatus
from notifications.addresses import unsubscribe_url, wishes_url
from notifications.channels.email import unsubscribing
from notifications.channels.mail_server import hand_over
from notifications.models import Level, ProjectWish, Wish
from notifications.services.texts import one_line

KIND = "digest"
MOST_PROJECTS = 50
_MOST_BRANCHES = 10


@dataclass(frozen=True)
class Part:
    """What happened in one project."""

    name: str
    link: str
    passed: int
    failed: int
    broken: list[tuple[str, str, int]] = field(default_factory=list)  # branch, link, build: broken as it stands
    live: list[tuple[str, str]] = field(default_factory=list)  # environment, release


def queue_due(now: datetime | None = None) -> int:
    """Queue the digests whose hour has come and that were not sent today; how many. Twice changes nothing."""
    now, queued = now or timezone.now(), 0
    for wish in Wish.objects.filter(digest=True, user__is_active=True, user__gets_mail=True).select_related("user"):
        local = now.astimezone(ZoneInfo(wish.zone))
        day = local.date()
        if local.hour < wish.digest_hour or wish.digest_on == day:
            continue
        put(KIND, f"digest:{wish.user_id}:{day}", {"user": wish.user_id, "day": day.isoformat()}, lane=_lane(wish))
        Wish.objects.filter(pk=wish.pk).update(digest_on=day)
        queued += 1
    return queued


@handles(KIND)
def deliver(payload: dict[str, Any]) -> None:
    """Send one, unless nothing happened, or nobody wants it any more."""
    wish = Wish.objects.filter(user=payload["user"], digest=True, user__is_active=True, user__gets_mail=True).first()
    if wish is None:
        return
    day = datetime.fromisoformat(payload["day"]).date()
    until = datetime.combine(day, time(wish.digest_hour), ZoneInfo(wish.zone))
    parts = parts_of(wish, until - timedelta(days=1), until)
    if parts:
        hand_over(compose(wish, parts, until))


def parts_of(wish: Wish, since: datetime, until: datetime) -> list[Part]:
    """The projects in which something happened between two moments, by name; of those only that they see."""
    unwanted = ProjectWish.objects.filter(user=wish.user, level=Level.NOTHING).values("project")
    projects = readable_projects(wish.user).exclude(pk__in=unwanted).order_by("name").distinct()
    found = (_part(project, since, until) for project in projects[: MOST_PROJECTS * 4])
    return [part for part in found if part is not None][:MOST_PROJECTS]


def compose(wish: Wish, parts: list[Part], until: datetime) -> EmailMultiAlternatives:
    """The e-mail."""
    broken = sum(len(part.broken) for part in parts)
    failed, passed = sum(part.failed for part in parts), sum(part.passed for part in parts)
    context = {
        "parts": parts,
        "sentence": _sentence(passed, failed, broken),
        "day": until,
        "wishes": wishes_url(),
        "unsubscribe": unsubscribe_url(wish.user.email, None),
    }
    mail = EmailMultiAlternatives(
        subject=f"{until:%A}: {_sentence(passed, failed, broken)}",
        body=render_to_string("notifications/digest.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[wish.user.email],
        headers={"Auto-Submitted": "auto-generated", **unsubscribing(wish.user.email, None)},
    )
    mail.attach_alternative(render_to_string("notifications/digest.html", context), "text/html")
    return mail


def _part(project: Project, since: datetime, until: datetime) -> Part | None:
    builds = Build.objects.filter(project=project, finished_at__gte=since, finished_at__lt=until)
    counts = builds.aggregate(
        passed=Count("pk", Q(status=Status.PASSED)), failed=Count("pk", Q(status__in=BROKEN)), all=Count("pk")
    )
    live = _live(project, since, until)
    if not counts["passed"] and not counts["failed"] and not live:
        return None
    return Part(
        name=one_line(project.name, 140),
        link=project_url(project.uuid),
        passed=counts["passed"],
        failed=counts["failed"],
        broken=_broken(project, builds.filter(status__in=BROKEN).values("branch")),
        live=live,
    )


def _broken(project: Project, branches: Any) -> list[tuple[str, str, int]]:
    """Of these branches those whose last decided build did not pass."""
    decided = (Status.PASSED, *BROKEN)
    rows = Build.objects.filter(project=project, branch__in=branches, status__in=[s for s in FINAL if s in decided])
    newest: dict[str, tuple[int, str]] = {}
    for branch, number, status in rows.order_by("-number").values_list("branch", "number", "status")[:1000]:
        newest.setdefault(branch, (number, status))
    found = [(branch, number) for branch, (number, status) in newest.items() if status in BROKEN]
    return [(one_line(b, 100), build_url(project.uuid, number), number) for b, number in sorted(found)][:_MOST_BRANCHES]


def _live(project: Project, since: datetime, until: datetime) -> list[tuple[str, str]]:
    moves = DeploymentMove.objects.filter(
        deployment__environment__project=project, went_to=DeploymentStatus.LIVE, at__gte=since, at__lt=until
    ).select_related("deployment__environment", "deployment__release")
    newest = {move.deployment.environment.name: str(move.deployment.release) for move in moves.order_by("pk")[:200]}
    return [(one_line(name, 60), release) for name, release in sorted(newest.items())]


def _sentence(passed: int, failed: int, broken: int) -> str:
    builds = f"{passed} passed, {failed} failed"
    if not broken:
        return builds
    return f"{builds}; {broken} branch{'es are' if broken > 1 else ' is'} broken"


def _lane(wish: Wish) -> str:
    return f"email:{wish.user.email.rpartition('@')[2]}"[:200]
