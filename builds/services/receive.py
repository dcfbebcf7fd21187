"""Take a webhook's delivery: note it, and make the build that it asks for, once however often it comes.

Deliveries that come at a time share one transaction: what limits them is the disk, which each commit waits for.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from builds.models import Build, BuildMove, Project, WebhookDelivery
from builds.models.delivery import DeliveryOutcome
from builds.services.insert import insert
from builds.services.limits import queue_full
from builds.services.pull_requests import Answer, settle
from builds.services.repeated import doubtful, earlier
from builds.services.report_status import report
from builds.services.together import Together
from builds.services.told import Proposal
from builds.services.trigger import BuildRequest, new_build, take_numbers
from builds.signals import builds_created, send_on_commit
from builds.states import Status

_REFUSALS_KEPT_AN_HOUR = 60
_HOLD = "SELECT id FROM builds_project WHERE id IN ({places}) ORDER BY id"


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """What one thing of a delivery, verified and read, asks for, or the sentence that says why nothing is built."""

    event: str
    request: BuildRequest | None = None
    reason: str = ""
    ref: str = ""
    before: str = ""  # "" = the sender did not say
    after: str = ""
    proposal: Proposal | None = None  # a pull request that is built here: what was told of it before counts, too


@dataclass(frozen=True)
class _Asked:
    """A delivery that is not written yet, and what it asks for."""

    delivery: WebhookDelivery
    incoming: Incoming

    @property
    def who(self) -> str:
        """Who has the build made, for its history."""
        return f"webhook ({self.delivery.provider})"


def receive(project: Project, *incomings: Incoming, delivery_id: str = "") -> list[WebhookDelivery]:
    """Note one delivery with what came of each thing in it; a duplicate carries the build of the one before it.

    `delivery_id` is the sender's; "" = it gave none. Project.DoesNotExist where it was deleted meanwhile.
    """
    [deliveries] = _take([_asked(project, incomings, delivery_id)])
    _tell([deliveries])
    return deliveries


def receive_soon(project: Project, *incomings: Incoming, delivery_id: str = "") -> Future[list[WebhookDelivery]]:
    """As `receive`, in a thread of its own, together with all others that wait."""
    return _door.submit(_asked(project, incomings, delivery_id))


def _asked(project: Project, incomings: Sequence[Incoming], delivery_id: str) -> list[_Asked]:
    """A row for each thing: what is sent again is known again by its place in the delivery."""
    known = delivery_id[:190] or uuid.uuid4().hex
    if any(one.request for one in incomings) and (full := queue_full(project.organization_id)):
        incomings = [
            replace(one, request=None, proposal=None, reason=full) if one.request else one for one in incomings
        ]
    return [
        _Asked(_delivery(project, incoming, f"{known}.{place}" if place else known), incoming)
        for place, incoming in enumerate(incomings)
    ]


def _delivery(project: Project, incoming: Incoming, delivery_id: str) -> WebhookDelivery:
    return WebhookDelivery(
        project=project,
        provider=project.provider,
        delivery_id=delivery_id,
        event=incoming.event[:60],
        ref=incoming.ref[:300],
        before=incoming.before,
        after=incoming.after,
    )


def refuse(project: Project, *, event: str, delivery_id: str, reason: str) -> None:
    """Note a delivery that was not let in; a flood of them leaves no more than a screenful of rows an hour."""
    lately = WebhookDelivery.objects.filter(
        project=project, outcome=DeliveryOutcome.REFUSED, received_at__gt=timezone.now() - timedelta(hours=1)
    )
    if len(lately.values_list("pk")[:_REFUSALS_KEPT_AN_HOUR]) >= _REFUSALS_KEPT_AN_HOUR:
        return
    WebhookDelivery.objects.create(
        project=project,
        provider=project.provider,
        delivery_id=delivery_id[:200],
        event=event[:60],
        outcome=DeliveryOutcome.REFUSED,
        reason=reason,
    )


def _take(groups: Sequence[list[_Asked]], *, is_hurried: bool = False) -> list[list[WebhookDelivery]]:
    """Note all of them in one transaction; the first of what repeats itself has the build.

    In a hurry it fails where somebody keeps a project's row for a second.
    """
    asked = [one for group in groups for one in group]
    deliveries = [one.delivery for one in asked]
    with transaction.atomic():
        # One transaction of a project at a time, so that of twenty equal deliveries nineteen see the first.
        _hold({delivery.project_id for delivery in deliveries}, is_hurried=is_hurried)
        proposals = {place for place, one in enumerate(asked) if one.incoming.proposal is not None}
        later = doubtful(deliveries, proposals)
        _write([one for place, one in enumerate(asked) if place not in later])
        for place in sorted(later):
            _decide(asked[place])
    return [[one.delivery for one in group] for group in groups]


def _hold(projects: set[int], *, is_hurried: bool) -> None:
    """Lock the projects' rows, all in one order."""
    sql, keys = _HOLD.format(places=", ".join(["%s"] * len(projects))), sorted(projects)
    if connection.vendor == "postgresql":
        sql = ("SET LOCAL lock_timeout = '1s'; " if is_hurried else "") + sql + " FOR NO KEY UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(sql, keys)
        if len(cursor.fetchall()) != len(projects):
            raise Project.DoesNotExist


def _write(asked: Sequence[_Asked]) -> None:
    """Write deliveries that repeat nothing, with the builds that they ask for."""
    wanted = [(one, one.incoming.request) for one in asked if one.incoming.request is not None]
    counts = Counter(one.delivery.project_id for one, _ in wanted)
    numbers = {key: last - counts[key] for key, last in take_numbers(counts).items()} if counts else {}
    builds = []
    for one, request in wanted:
        numbers[one.delivery.project_id] += 1
        builds.append(new_build(one.delivery.project, request, numbers[one.delivery.project_id]))
    insert(builds)
    moves = [
        BuildMove(build=build, went_to=Status.QUEUED, who=one.who)
        for (one, _), build in zip(wanted, builds, strict=True)
    ]
    insert(moves)
    for move in moves:
        report(move)
    for (one, _), build in zip(wanted, builds, strict=True):
        one.delivery.build, one.delivery.outcome = build, DeliveryOutcome.BUILT
    for one in asked:
        if one.incoming.request is None:
            one.delivery.outcome, one.delivery.reason = DeliveryOutcome.IGNORED, one.incoming.reason
    insert([one.delivery for one in asked])


def _decide(one: _Asked) -> None:
    """Write a delivery that may repeat another, or tells of a pull request, and the build where it wants one."""
    if (before := earlier(one.delivery)) is not None:
        return _repeat(one, before.build, before.reason or "Told before.")
    if one.incoming.proposal is None:
        return _write([one])
    answer = settle(one.delivery.project, one.incoming.proposal, one.incoming.request, who=one.who)
    if answer.repeats:
        return _repeat(one, answer.build, answer.reason)
    return _note(one, answer)


def _repeat(one: _Asked, build: Build | None, reason: str) -> None:
    one.delivery.outcome, one.delivery.build, one.delivery.reason = DeliveryOutcome.DUPLICATE, build, reason
    one.delivery.save()


def _note(one: _Asked, answer: Answer) -> None:
    one.delivery.build, one.delivery.reason = answer.build, answer.reason or one.incoming.reason
    one.delivery.outcome = DeliveryOutcome.BUILT if answer.build else DeliveryOutcome.IGNORED
    one.delivery.save()


def _tell(groups: Sequence[Sequence[WebhookDelivery]]) -> None:
    """Plans are made of what was built; pages hear of it."""
    deliveries = [delivery for group in groups for delivery in group]
    built = [one.build for one in deliveries if one.build and one.outcome == DeliveryOutcome.BUILT]
    if built:
        send_on_commit(builds_created, Build, builds=built)


# One who keeps a project's row locked must not hold up those who push to others.
_door = Together(partial(_take, is_hurried=True), _take, _tell)
