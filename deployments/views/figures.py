"""The page of the four figures of delivery: of one environment or of all, over a week, a month or a quarter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from builds.access import project_or_404
from builds.numbers import whole
from builds.views.person import person
from deployments.models import Environment
from deployments.services.delivered import history
from deployments.services.figures import Figures, Report, report
from deployments.services.spans import SPANS, Span, span
from deployments.views.plots import HEIGHT, day_words, plots, rate_words, time_words

ALL = "all"
_USUAL = 30


@dataclass(frozen=True)
class Line:
    """A line of the table: the figures of some days, in words."""

    days: str
    figures: Figures
    lead: tuple[str, str]
    rate: str
    restore: tuple[str, str]


@require_safe
def figures(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """`?environment=` its uuid, or "all"; at first the last in the order of promotion. `?days=` 7, 30 or 90."""
    project = project_or_404(person(request), uuid)
    environments = list(project.environments.all())
    chosen = _chosen(environments, request.GET.get("environment", ""))
    days = whole(request.GET.get("days", ""), digits=2)
    told = span(days if days in SPANS else _USUAL, timezone.now())
    found = report(history(project, told.begins), told, chosen.pk if chosen else None)
    context = {
        "project": project,
        "tab": "environments",
        "environments": [each for each in environments if not each.retired or each == chosen],
        "chosen": chosen,
        "asked": chosen.uuid if chosen else ALL,
        "span": told,
        "spans": SPANS,
        "report": found,
        "plots": plots(found, told),
        "height": HEIGHT,
        "lines": _lines(found, told),
        "total": _line(f"{told.days} days", found.total),
    }
    return render(request, "deployments/figures.html", context)


def _chosen(environments: Sequence[Environment], asked: str) -> Environment | None:
    """The environment that is asked for; None = all of them. Http404 for one that is not there."""
    if asked:
        found = next((each for each in environments if str(each.uuid) == asked), None)
        if found is None and asked != ALL:
            raise Http404("There is no such environment")
        return found
    return next((each for each in reversed(environments) if not each.retired), None)


def _lines(found: Report, told: Span) -> list[Line]:
    parts = zip(told.periods, found.parts, strict=True)
    return [_line(day_words(period), part) for period, part in parts][::-1]


def _line(days: str, its: Figures) -> Line:
    lead, restore = ((time_words(each.median), time_words(each.p90)) for each in (its.lead, its.restore))
    return Line(days, its, lead, rate_words(its), restore)
