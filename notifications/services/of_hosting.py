"""Trouble with the git host of a project, as news and in words."""

from __future__ import annotations

import uuid

from django.utils import timezone

from builds.addresses import project_url
from builds.models import Project
from notifications.models import Event
from notifications.services.happening import Happening, Words
from notifications.services.texts import one_line, shortened


def of_hosting(project: Project) -> Happening:
    """The news that the host refuses something; the same trouble is told again every week."""
    now = timezone.now()
    year, week, _ = now.isocalendar()
    problem, name = one_line(project.hosting_problem, 300), one_line(project.name, 140)
    words = Words(
        subject=shortened(f"{name}: trouble with the git host", 200),
        sentence=f"The git host refuses something: {problem}",
        details=name,
        link=project_url(project.uuid),
    )
    return Happening(
        project=project,
        branch="",
        about=uuid.uuid5(project.uuid, f"hosting {year} {week} {problem}"),
        events=(Event.HOSTING,),
        at=now,
        committer="",
        words=lambda _: words,
    )
