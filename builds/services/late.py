"""Pushes that were told after newer ones of their branch: they are built, but are not what the branch stands at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from builds.models import Build, WebhookDelivery
from builds.models.delivery import DeliveryOutcome
from builds.refs import is_zero
from runners.checkout.ancestry import is_ancestor

_LOOKED_BACK = timedelta(hours=1)  # git hosts try no longer than that to tell of a push
_MOST = 50
_MOST_COMPARED = 5


def is_late(build: Build, mirror: Path) -> bool:
    """Whether its ref had moved on, as earlier deliveries tell, from where this push left it.

    Where the pushes do not follow one another in what was told, the commits in `mirror` say which came first.
    """
    told = list(
        WebhookDelivery.objects.filter(
            project=build.project_id,
            ref=build.ref,
            received_at__gt=build.created_at - _LOOKED_BACK,
            outcome__in=[DeliveryOutcome.BUILT, DeliveryOutcome.IGNORED],
        )
        .exclude(after="")
        .select_related("build")
        .only("before", "after", "build__number", "build__is_late", "build__commit")
        .order_by("-pk")[:_MOST]
    )
    own = next((one for one in told if one.build_id == build.pk), None)
    if own is None:
        return False
    earlier = [one for one in reversed(told) if one.pk < own.pk]
    return _came_late(own, earlier, mirror)


def _came_late(own: WebhookDelivery, earlier: Sequence[WebhookDelivery], mirror: Path) -> bool:
    if not earlier or not own.before:
        return False
    last = earlier[-1]
    if last.after == own.before and not (last.build and last.build.is_late):
        return False  # it follows what was told last
    reached = _reached(own.after, earlier)
    if own.before in reached:
        return False  # the branch was moved back and forth
    return bool(reached) or _is_behind(own, earlier, mirror)


def _reached(commit: str, earlier: Sequence[WebhookDelivery]) -> set[str]:
    """Where earlier deliveries moved the ref on to from this commit, step by step."""
    reached: set[str] = set()
    steps = [commit]
    while steps:
        here = steps.pop()
        for one in earlier:
            if one.before == here and one.after not in reached:
                reached.add(one.after)
                steps.append(one.after)
    return reached


def _is_behind(own: WebhookDelivery, earlier: Sequence[WebhookDelivery], mirror: Path) -> bool:
    """Whether a commit that was told before was made from this one, and this push did not take it back."""
    if is_zero(own.before) and any(is_zero(one.after) for one in earlier):
        return False  # the branch was deleted, and made again
    for one in list(reversed(earlier))[:_MOST_COMPARED]:
        newer = one.build.commit if one.build else one.after
        if newer in {own.before, own.after} or is_zero(newer) or not is_ancestor(mirror, own.after, newer):
            continue
        if is_zero(own.before) or not is_ancestor(mirror, newer, own.before):
            return True
    return False
