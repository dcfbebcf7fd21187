"""A newer push makes older builds of its branch needless, where the project wants that."""

from __future__ import annotations

from builds.models import Build
from builds.models.build import Trigger
from builds.services.cancel import cancel
from builds.states import Status

_NEWS = (Trigger.PUSH, Trigger.PULL_REQUEST)


def supersede(build: Build) -> int:
    """Cancel builds of the same ref with a lower number that still wait (with `supersede_running`: that run, too).

    Only a push or a pull request supersedes: somebody who builds an old commit again wants that and nothing else. The
    ref is compared, not the branch's name, which a stranger's fork may choose. One that was told late is itself the
    older. Returns how many were cancelled.
    """
    project = build.project
    if not project.supersede or build.trigger not in _NEWS:
        return 0
    of_ref = Build.objects.filter(project=project, ref=build.ref, number__lt=build.number, trigger__in=_NEWS)
    if build.is_late:
        newest = of_ref.order_by("-number").values_list("number", flat=True).first()
        return int(
            cancel(build, who=f"build #{newest}", reason=f"superseded by #{newest}, a newer push that came first")
        )
    older = of_ref.unfinished()
    if not project.supersede_running:
        older = older.exclude(status=Status.RUNNING)
    # Newest first: two builds that supersede at once lock in one order, and so never wait for each other.
    who, reason = f"build #{build.number}", f"superseded by #{build.number}"
    cancelled = [cancel(old, who=who, reason=reason) for old in older.order_by("-pk")]
    return sum(cancelled)
