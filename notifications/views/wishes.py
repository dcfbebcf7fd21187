"""What a person hears themselves: by mail, in browsers, as a digest; everywhere, and of each project."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from builds.access import readable_projects
from builds.models import Project
from builds.views.person import person
from notifications.forms import WishForm
from notifications.models import Browser, Level, ProjectWish, Wish
from notifications.services.browsers import BrowserError, add_browser
from notifications.services.vapid import public_key
from notifications.services.wishes import set_project_wish, set_wish

MOST_PROJECTS = 200


@require_http_methods(["GET", "HEAD", "POST"])
def wishes(request: HttpRequest) -> HttpResponse:
    """The page; a POST keeps what was chosen, of all projects on it as well."""
    user = person(request)
    projects = list(readable_projects(user).order_by("name").distinct()[:MOST_PROJECTS])
    wish = Wish.objects.filter(user=user).first() or Wish(user=user)
    form = WishForm(request.POST) if request.method == "POST" else WishForm.of(user, wish)
    if request.method == "POST" and form.is_valid():
        set_wish(user, form.cleaned_data)
        for project in projects:
            _set_of_project(request, user, project)
        messages.success(request, "Kept.")
        return redirect("wishes")
    chosen = dict(ProjectWish.objects.filter(user=user).values_list("project_id", "level"))
    context: dict[str, Any] = {
        "form": form,
        "levels": Level.choices,
        "projects": [(project, chosen.get(project.pk, "")) for project in projects],
        "browsers": Browser.objects.filter(user=user).order_by("pk"),
    }
    return render(request, "notifications/wishes.html", context, status=400 if form.errors else 200)


@require_POST
def browser_add(request: HttpRequest) -> JsonResponse:
    """Take a browser's subscription: `endpoint`, `key`, `auth`, `name`."""
    given = {name: request.POST.get(name, "") for name in ("endpoint", "key", "auth", "name")}
    try:
        browser = add_browser(person(request), **given)
    except BrowserError as error:
        return JsonResponse({"error": f"{error}."}, status=400)
    return JsonResponse({"uuid": str(browser.uuid), "name": browser.name}, status=201)


@require_POST
def browser_remove(request: HttpRequest, browser_uuid: UUID) -> HttpResponse:
    """Send a browser nothing any more."""
    get_object_or_404(Browser, user=person(request), uuid=browser_uuid).delete()
    messages.success(request, "This browser is told nothing any more.")
    return redirect("wishes")


@require_POST
def push_key(request: HttpRequest) -> JsonResponse:
    """The key that browsers know this instance by; made when somebody asks for the first time."""
    person(request)
    return JsonResponse({"key": public_key()})


@require_safe
@login_not_required
@cache_control(max_age=300)
def push_worker(request: HttpRequest) -> HttpResponse:
    """The service worker that shows messages: below /static/ it would see no page of ours."""
    name = "ciservice/push-worker.js"
    found = finders.find(name)
    if isinstance(found, str):
        with open(found, encoding="utf-8") as file:
            return HttpResponse(file.read(), content_type="text/javascript")
    if settings.PRODUCTION and staticfiles_storage.exists(name):
        with staticfiles_storage.open(name) as kept:
            return HttpResponse(kept.read(), content_type="text/javascript")
    raise Http404


def _set_of_project(request: HttpRequest, user: User, project: Project) -> None:
    level = request.POST.get(f"project-{project.uuid}")
    if level is not None and level in {"", *Level.values}:
        set_project_wish(user, project, level)
