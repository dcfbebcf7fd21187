"""What looking at a live environment says, as news and in words."""

from __future__ import annotations

import uuid

from builds.words import duration
from deployments.addresses import environments_url
from deployments.models import Health, HealthMove
from notifications.models import Event
from notifications.services.happening import Happening, Words
from notifications.services.of_build import facts
from notifications.services.texts import one_line, shortened


def of_health(move: HealthMove) -> Happening | None:
    """The news in an environment's becoming good or bad; None where it was never bad."""
    before = HealthMove.objects.filter(environment=move.environment_id, pk__lt=move.pk).order_by("-pk").first()
    if move.went_to == Health.GOOD and (before is None or before.went_to == Health.GOOD):
        return None
    event = Event.HEALTHY if move.went_to == Health.GOOD else Event.UNHEALTHY
    build = move.release.build if move.release else None
    words = _words(move, _sentence(move, before))
    return Happening(
        project=move.environment.project,
        branch=build.branch if build else "",
        about=uuid.uuid5(move.environment.uuid, str(move.pk)),
        events=(event,),
        at=move.at,
        committer=build.author_email if build else "",
        username=build.author_username if build else "",
        build=build,
        words=lambda _: words,
    )


def _words(move: HealthMove, sentence: str) -> Words:
    project = move.environment.project
    return Words(
        subject=shortened(f"{one_line(project.name, 60)} {one_line(move.environment.name, 60)}: {sentence}", 200),
        sentence=sentence,
        details=facts(move.release.build) if move.release else one_line(project.name, 140),
        link=environments_url(project.uuid),
    )


def _sentence(move: HealthMove, before: HealthMove | None) -> str:
    environment = one_line(move.environment.name, 60)
    if move.went_to == Health.GOOD:
        took = f" after {duration(move.at - before.at)}" if before else ""
        return f"{environment} is healthy again{took}"
    release = f" with {move.release}" if move.release else ""
    why = one_line(move.reason, 300)
    return f"{environment} is unhealthy{release}" + (f" — {why}" if why else "")
