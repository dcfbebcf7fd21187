"""Releases that cannot be taken back: who says so, and which stand in the way of going back."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.services.audit import record
from builds.access import Right, require_in
from builds.models import Build
from deployments.models import Environment, Release

_LONGEST = 1000


class MarkError(Exception):
    """The mark cannot be set or taken away so; the text says why."""


def mark(release: Release, *, user: User, reason: str) -> None:
    """Say that `release` cannot be taken back, and why: a rollback past it needs a reason of its own from then on.

    MarkError without a reason; Http404 and PermissionDenied for whoever may not deploy.
    """
    if not reason.strip():
        raise MarkError("Say why it cannot be taken back: the reason is told to whoever wants to")
    _write(release, "release.marked_irreversible", reason.strip()[:_LONGEST], user=user, reason=reason.strip())


def unmark(release: Release, *, user: User, reason: str) -> None:
    """Say that `release` can be taken back after all. Raises as `mark` does."""
    if not reason.strip():
        raise MarkError("Say why it can be taken back after all: the reason stays in the audit log")
    _write(release, "release.unmarked_irreversible", "", user=user, reason=reason.strip())


def irreversible_between(environment: Environment, target: Release) -> list[Release]:
    """The releases that going to `target` there would undo and that cannot be undone, newest first; none for a way on.

    What is live counts, and so does what began to go out after it: its steps may have run though it never went live.
    Releases of other branches count only where they were on their way here themselves.
    """
    top = _newest_there(environment)
    if top is None or top.number <= target.build.number:
        return []
    line = Q(build__ref__startswith="refs/tags/") if top.ref.startswith("refs/tags/") else Q(build__ref=top.ref)
    began = Q(deployments__environment=environment, deployments__started_at__isnull=False)
    marked = Release.objects.filter(project=environment.project_id).exclude(irreversible="")
    between = marked.filter(build__number__gt=target.build.number, build__number__lte=top.number)
    return list(between.filter(line | began).distinct().select_related("build").order_by("-build__number"))


def _newest_there(environment: Environment) -> Build | None:
    """The newest build of which anything may run there."""
    live = environment.deployments.live().select_related("release__build").first()
    begun = environment.deployments.filter(started_at__isnull=False).select_related("release__build")
    if live is not None:
        begun = begun.filter(Q(started_at__gt=live.live_at) | Q(pk=live.pk))
    newest = begun.order_by("-release__build__number").first()
    return newest.release.build if newest else None


def _write(release: Release, action: str, text: str, *, user: User, reason: str) -> None:
    require_in(user, release.project, Right.DEPLOY)
    organization = release.project.organization
    with transaction.atomic():
        release.irreversible = text
        release.save(update_fields=["irreversible"])
        details = {"project": release.project.name, "reason": reason[:_LONGEST]}
        record(action, str(release), user=user, organization=organization, details=details)
