"""What the lists of projects and builds show, each in a constant number of indexed queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from builds.access import SEALED
from builds.models import Build, Project
from builds.services.verdict import time_taken
from builds.states import BROKEN, Status
from builds.views.bars import BARS

MOST_PROJECTS = 300
MOST_BUILDS = 100
_LATELY = timedelta(days=7)
# Plans are large, and neither they nor what is sealed is shown by any list.
HEAVY = ("plan", *(f"project__{name}" for name in SEALED))


@dataclass(frozen=True)
class ProjectLine:
    """One row of the page of projects; `builds` are the newest of the default branch, newest first."""

    project: Project
    builds: list[Build]

    @property
    def last(self) -> Build | None:
        """The newest build of the default branch."""
        return self.builds[0] if self.builds else None

    @property
    def status(self) -> str:
        """The state that the row shows; "" before the first build."""
        return self.last.status if self.last else ""

    @property
    def median(self) -> timedelta | None:
        """The usual time of a passed build."""
        times = [took for build in self.builds if build.status == Status.PASSED and (took := time_taken(build))]
        return timedelta(seconds=median(took.total_seconds() for took in times)) if times else None

    @property
    def failed_lately(self) -> bool:
        """Whether the newest finished build of the last week is broken."""
        for build in self.builds:
            if build.is_final and build.status not in {Status.CANCELLED, Status.SKIPPED}:
                recent = build.created_at > timezone.now() - _LATELY
                return recent and build.status in BROKEN
        return False


def project_lines(projects: QuerySet[Project]) -> list[ProjectLine]:
    """A row for each project: failed lately first, never built last, each by name. Two queries, both by index."""
    rows = list(_with_floor(projects))
    builds = _newest_builds(rows)
    lines = [ProjectLine(project, builds[project.pk]) for project in rows]
    return sorted(lines, key=lambda line: (not line.failed_lately, not line.builds, line.project.name.lower()))


def _with_floor(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Projects with `floor`: the number of the oldest build of the default branch that is shown."""
    newest = Build.objects.filter(project=OuterRef("pk"), branch=OuterRef("default_branch")).order_by("-number")
    floor = Coalesce(Subquery(newest.values("number")[BARS - 1 : BARS]), 0)
    rows = projects.select_related("organization").defer(*SEALED).annotate(floor=floor)
    return rows.order_by("name")[:MOST_PROJECTS]


def _newest_builds(projects: list[Project]) -> dict[int, list[Build]]:
    by_project: dict[int, list[Build]] = defaultdict(list)
    if not projects:
        return by_project
    wanted = Q()
    for project in projects:
        floor = project.floor  # type: ignore[attr-defined]  # annotated
        wanted |= Q(project=project, branch=project.default_branch, number__gte=floor)
    for build in Build.objects.filter(wanted).defer("plan").order_by("project", "-number"):
        by_project[build.project_id].append(build)
    return by_project


def running_builds(projects: QuerySet[Project]) -> QuerySet[Build]:
    """Builds with a running job, newest first."""
    builds = Build.objects.filter(jobs__status=Status.RUNNING, project__in=projects).distinct()
    return builds.select_related("project__organization", "requested_by").defer(*HEAVY).order_by("-pk")[:MOST_BUILDS]


def waiting_builds(projects: QuerySet[Project]) -> QuerySet[Build]:
    """Builds that wait for a runner, in the order of their arrival."""
    builds = Build.objects.filter(jobs__status=Status.QUEUED, project__in=projects, status=Status.QUEUED).distinct()
    return builds.select_related("project__organization", "requested_by").defer(*HEAVY).order_by("pk")[:MOST_BUILDS]
