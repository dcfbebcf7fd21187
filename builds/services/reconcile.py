"""Compare a repository's branches with what we were told of them: whose turn it is, and what nobody told us.

A head counts as missed when it differs from the last look, no delivery and no build knows it, and it still stands there
at a second look some minutes later: a webhook that is merely late comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from builds.models import Build, Project, RepositoryLook, WebhookDelivery
from builds.models.delivery import DeliveryOutcome
from builds.refs import is_commit, is_ref

ACTIVE_DAYS = 14
MOST_BUILDS = 20  # of one look; the rest follows at the next
_AT_ONCE = 20
_TURN = timedelta(minutes=2)
_SECOND_LOOK = timedelta(minutes=2)
_LONGEST = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A branch that moved, and nobody told us."""

    ref: str
    before: str  # zeros: the branch is new
    after: str


def due() -> list[int]:
    """Ids of projects to look at now, the longest waiting first: those with a webhook that spoke lately."""
    if not settings.RECONCILE_MINUTES:
        return []
    lately = WebhookDelivery.objects.filter(
        received_at__gt=Now() - timedelta(days=ACTIVE_DAYS), outcome=DeliveryOutcome.BUILT
    )
    active = Project.objects.filter(pk__in=lately.values("project"))
    fresh = active.filter(look=None).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]
    RepositoryLook.objects.bulk_create([RepositoryLook(project_id=pk) for pk in fresh], ignore_conflicts=True)
    looks = RepositoryLook.objects.filter(not_before__lte=Now(), project__in=active)
    return list(looks.order_by("not_before").values_list("project_id", flat=True)[:_AT_ONCE])


def take(project_id: int) -> RepositoryLook | None:
    """The look, if nobody else takes this turn."""
    mine = RepositoryLook.objects.filter(project=project_id, not_before__lte=Now())
    if not mine.update(not_before=Now() + _TURN):
        return None
    return RepositoryLook.objects.select_related("project").get(project=project_id)


def failed(look: RepositoryLook) -> None:
    """The host did not answer: look again later, and later each time."""
    look.failures = min(look.failures + 1, 30)
    pause = min(timedelta(minutes=settings.RECONCILE_MINUTES) * 2 ** min(look.failures, 10), _LONGEST)
    _save(look, pause)


def compare(look: RepositoryLook, seen: dict[str, str]) -> list[Missed]:
    """What was missed, at most MOST_BUILDS; the row then stands where `seen` does, but for what is to be seen twice."""
    seen = {ref: commit for ref, commit in seen.items() if is_ref(ref) and is_commit(commit)}
    is_first, known = look.looked_at is None, look.heads
    other = {ref: commit for ref, commit in seen.items() if known.get(ref) != commit}
    told = set() if is_first else _told(look.project, other)
    missed: list[Missed] = []
    moved: dict[str, str] = {}
    for ref, commit in other.items():
        if is_first or (ref, commit) in told:
            continue
        if look.moved.get(ref) == commit and len(missed) < MOST_BUILDS:
            missed.append(Missed(ref=ref, before=known.get(ref, "0" * len(commit)), after=commit))
        else:
            moved[ref] = commit
    # What is seen for the first time is not known yet: the second look must find it changed.
    look.heads = {ref: known.get(ref, "") if ref in moved else commit for ref, commit in seen.items()}
    look.heads = {ref: commit for ref, commit in look.heads.items() if commit}
    look.moved, look.looked_at, look.failures = moved, Now(), 0
    _save(look, _SECOND_LOOK if moved else timedelta(minutes=settings.RECONCILE_MINUTES))
    return missed


def _told(project: Project, other: dict[str, str]) -> set[tuple[str, str]]:
    commits = list(other.values())
    deliveries = WebhookDelivery.objects.filter(project=project, after__in=commits)
    builds = Build.objects.filter(project=project, commit__in=commits)
    return {*deliveries.values_list("ref", "after"), *builds.values_list("ref", "commit")}


def _save(look: RepositoryLook, pause: timedelta) -> None:
    look.not_before = Now() + pause
    look.save(update_fields=["heads", "moved", "looked_at", "failures", "not_before"])
