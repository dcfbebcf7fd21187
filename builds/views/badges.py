"""Badges: the state of a branch as a small picture, for whoever knows the project's uuid."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from builds.models import Build, Project
from builds.states import CODESHIP_STATUS

# CodeShip's words for the file's name, which tools read, and ours for the picture, with its colour.
_LOOKS = {
    "success": ("passed", "#1a7f37"),
    "error": ("failed", "#cf222e"),
    "testing": ("running", "#9a6700"),
    "waiting": ("waiting", "#6e7781"),
    "stopped": ("cancelled", "#6e7781"),
    "ignored": ("skipped", "#6e7781"),
    "infrastructure_failure": ("errored", "#8250df"),
    "branchnotfound": ("no build", "#6e7781"),
    "projectnotfound": ("no project", "#6e7781"),
}
_LABEL = "build"
_LETTER_PIXELS = 7
_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {word}">'
    '<title>{label}: {word}</title><rect width="{width}" height="20" rx="3" fill="#444d56"/>'
    '<path fill="{colour}" d="M{left} 0h{right_less_3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z"/>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
    '<text x="{label_x}" y="14">{label}</text><text x="{word_x}" y="14">{word}</text></g></svg>'
)


@login_not_required
@require_safe
def badge(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The state of the newest build of `?branch=`, by default of the project's default branch."""
    state = _state(uuid, request.GET.get("branch", ""))
    response = HttpResponse(_picture(*_LOOKS[state]), content_type="image/svg+xml")
    response.headers["Content-Disposition"] = f'inline; filename="status_{state}.svg"'
    # Picture proxies keep what they may, and a badge that is late is wrong.
    response.headers["Cache-Control"] = "no-cache, no-store, max-age=0"
    return response


def _state(uuid: UUID, branch: str) -> str:
    project = Project.objects.filter(uuid=uuid).only("id", "default_branch").first()
    if project is None:
        return "projectnotfound"
    if "\0" in branch:
        return "branchnotfound"
    builds = Build.objects.filter(project_id=project.pk).of_branch(branch or project.default_branch)
    status = builds.filter(is_late=False).order_by("-number").values_list("status", flat=True).first()
    return CODESHIP_STATUS[status] if status else "branchnotfound"


def _picture(word: str, colour: str) -> str:
    left, right = (len(text) * _LETTER_PIXELS + 10 for text in (_LABEL, word))
    return _PICTURE.format(
        label=_LABEL,
        word=word,
        colour=colour,
        width=left + right,
        left=left,
        right_less_3=right - 3,
        label_x=left / 2,
        word_x=left + right / 2,
    )
