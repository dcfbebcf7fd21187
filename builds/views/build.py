"""The page of a build: verdict, strip of time, tree of steps, log; and its buttons."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from builds.access import Right, build_or_404, require_in, rights_in
from builds.commit_address import commit_address
from builds.models import Artifact, Build, Runner
from builds.numbers import whole
from builds.services.cancel import cancel
from builds.services.reported import reported_of
from builds.services.retry import retry
from builds.services.verdict import verdict
from builds.services.waiting_of import waiting_lines
from builds.states import Status
from builds.views import slots
from builds.views.log_pane import pane
from builds.views.person import person
from builds.views.strip import strip
from builds.views.tree import BuildRows, choose_step, nodes, read_rows

ARTIFACTS_SHOWN = 200


@require_safe
def build(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """The page, or with `?part=1` the parts of it that change while the build runs."""
    user = person(request)
    its = build_or_404(user, uuid, number)
    rows = read_rows(its)
    step = choose_step(rows, request.GET.get("step", ""))
    rights = rights_in(user, its.project)
    # Only where a pipeline has reports: to look costs queries.
    tests = reported_of(its) if any(job.spec.get("tests") for job in rows.jobs) else None
    context = {
        "project": its.project,
        "build": its,
        "step": step,
        "nodes": nodes(rows, chosen=step),
        "strip": strip(rows),
        "verdict": verdict(its, rows.newest_steps, tests=tests.failed if tests else 0),
        "tests": tests,
        "may_restart": Right.RESTART_BUILD in rights,
        "may_approve": its.status == Status.WAITING and Right.APPROVE in rights,
        "may_stop": not its.is_final and Right.STOP_BUILD in rights,
        **_facts(rows),
    }
    if request.GET.get("part"):
        return render(request, "builds/_build_live.html", context)
    context["pane"] = pane(step, first=_line(request)) if step else None
    context["tab"] = "builds"
    return render(request, "builds/build.html", context)


def _facts(rows: BuildRows) -> dict[str, Any]:
    build = rows.build
    warnings = (build.plan or {}).get("warnings") or []
    return {
        "commit_address": commit_address(build),
        "waiting_because": waiting_lines(build, rows.jobs),
        "stopped_by": _stopped_by(build),
        "stopping": any(job.cancel_requested_at and not job.is_final for job in rows.jobs),
        "warnings": warnings[:50],
        "runner_notes": _runner_notes(rows),
        "artifacts": _artifacts(rows),
        "job_notes": [note for job in rows.jobs for note in job.notes.splitlines()],
        "more": slots.fill("build_page", [build])[build.pk],
    }


def _stopped_by(build: Build) -> str:
    """Who or what cancelled the build."""
    if build.status != Status.CANCELLED:
        return ""
    last = build.moves.filter(went_to=Status.CANCELLED).order_by("-pk").first()
    return last.who if last else ""


def _artifacts(rows: BuildRows) -> list[Artifact]:
    """What its jobs have kept, by pipeline and path."""
    positions = {job.pk: number for number, job in enumerate(rows.jobs)}
    found = Artifact.objects.filter(job__in=list(positions)).order_by("path")[:ARTIFACTS_SHOWN]
    return sorted(found, key=lambda artifact: positions[artifact.job_id])


def _runner_notes(rows: BuildRows) -> list[str]:
    """What people should know of the runners that had the jobs: that no container held them, say."""
    owners = {job.owner for job in rows.jobs if job.owner}
    noted = Runner.objects.filter(name__in=owners).exclude(note="").order_by("name") if owners else []
    return list(dict.fromkeys(runner.note for runner in noted))


def _line(request: HttpRequest) -> int | None:
    """The first line wanted, or None for the end of the log."""
    number = whole(request.GET.get("from", ""), digits=12)
    return None if number is None else max(number, 1)


@require_POST
def build_cancel(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Stop what of the build still waits or runs."""
    user = person(request)
    its = build_or_404(user, uuid, number)
    require_in(user, its.project, Right.STOP_BUILD)
    reason = request.POST.get("reason", "").strip()[:300] or f"{user} stopped it."
    if not cancel(its, who=user.email, reason=reason):
        messages.info(request, "There was nothing left to stop.")
    return redirect("build", uuid, number)


@require_POST
def build_retry(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Build the same commit again, as a new build."""
    user = person(request)
    its = build_or_404(user, uuid, number)
    require_in(user, its.project, Right.RESTART_BUILD)
    again = retry(its, requested_by=user, who=user.email)
    return redirect("build", uuid, again.number)
