"""A build that took longer than its configuration allows it, as news and in words."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from builds.addresses import build_url
from builds.models import Build
from builds.words import duration
from notifications.models import Event
from notifications.services.happening import Happening, Words
from notifications.services.of_build import facts
from notifications.services.texts import one_line, shortened


def of_budget(build: Build, *, at: datetime) -> Happening | None:
    """The news that a build ended over its budget; None where it has none, or kept to it."""
    if build.started_at is None or build.finished_at is None:
        return None
    took, budget = build.finished_at - build.started_at, _budget(build)
    if budget is None or took <= budget:
        return None
    words = _words(build, took, budget)
    return Happening(
        project=build.project,
        branch=build.branch,
        about=uuid.uuid5(build.uuid, "budget"),
        events=(Event.BUDGET,),
        at=at,
        committer=build.author_email,
        username=build.author_username,
        build=build,
        words=lambda _: words,
    )


def _budget(build: Build) -> timedelta | None:
    """What `budget:` of the configuration says; the rest of the plan, which may be large, is not read."""
    seconds = Build.objects.filter(pk=build.pk).values_list("plan__budget_seconds", flat=True).first()
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) and seconds > 0 else None


def _words(build: Build, took: timedelta, budget: timedelta) -> Words:
    sentence = f"Build {build.number} took {duration(took)}: its budget is {duration(budget)}"
    where = f"{one_line(build.project.name, 60)} {one_line(build.branch, 40)}"
    return Words(
        subject=shortened(f"{where}: {sentence}", 200),
        sentence=sentence,
        details=facts(build),
        link=build_url(build.project.uuid, build.number),
    )
