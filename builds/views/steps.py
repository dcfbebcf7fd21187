"""The log of a step, for the log pane and for people with a terminal: lines, search, raw text."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from builds.access import step_or_404
from builds.logs import read
from builds.models import Step
from builds.numbers import whole
from builds.streaming import in_threads
from builds.views.log_pane import stretch
from builds.views.person import person

MOST_LINES = 1000
MOST_MATCHES = 1000


def _step(request: HttpRequest, project: UUID, number: int, uuid: UUID) -> Step:
    """The step, where it is one of that build."""
    step = step_or_404(person(request), uuid)
    build = step.job.build
    if build.project.uuid != project or build.number != number:
        raise Http404
    return step


def _whole(request: HttpRequest, name: str, default: int) -> int:
    number = whole(request.GET.get(name, ""), digits=15)
    return default if number is None else number


@require_safe
@never_cache
def lines(request: HttpRequest, uuid: UUID, number: int, step_uuid: UUID) -> HttpResponseBase:
    """Lines as JSON: `from` with `limit`; or `since`: that line and those after it, but no more than the last `limit`."""
    step = _step(request, uuid, number, step_uuid)
    limit = min(max(_whole(request, "limit", MOST_LINES), 1), MOST_LINES)
    if "from" in request.GET:
        return JsonResponse(stretch(step, _whole(request, "from", 1), limit).as_json(step))
    return JsonResponse(stretch(step, _whole(request, "since", 1), limit, or_last=True).as_json(step))


@require_safe
@never_cache
def find(request: HttpRequest, uuid: UUID, number: int, step_uuid: UUID) -> HttpResponseBase:
    """The numbers of all lines that hold `q`."""
    step = _step(request, uuid, number, step_uuid)
    found = read.search(step, request.GET.get("q", "")[:200], limit=MOST_MATCHES)
    return JsonResponse({"lines": found.numbers, "more": not found.complete})


@require_safe
@never_cache
def raw(request: HttpRequest, uuid: UUID, number: int, step_uuid: UUID) -> HttpResponseBase:
    """Every byte there is now, as printed; `?download` names a file for it."""
    step = _step(request, uuid, number, step_uuid)
    answer = StreamingHttpResponse(in_threads(read.raw(step)), content_type="text/plain; charset=utf-8")
    if "download" in request.GET:
        name = f"{slugify(step.job.build.project.name)}-{number}-{slugify(step.name)[:60] or 'step'}.log"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
