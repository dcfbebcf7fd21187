"""A project's settings: what it is, its hook and key, what came in at the hook, its secret variables."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings as django_settings
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from builds.access import Right, may_in, project_or_404, require, require_in, rights_in
from builds.forms import ProjectForm, SettingsForm
from builds.models import Connection, Project, ProjectKey, WebhookDelivery
from builds.models.connection import Provider
from builds.models.hosting import StepName
from builds.secret_forms import SecretForm
from builds.services import change_project as change
from builds.services.create_project import ProjectError, create_project
from builds.services.secrets import Place, told, with_values
from builds.services.set_up import set_up
from builds.services.signing_token import gitlab_signing_token
from builds.views import secrets, slots
from builds.views.hosting import hosting_context
from builds.views.person import person, project_to_change

DELIVERIES_SHOWN = 30
# Where each git host has the form for a webhook.
HOOK_PAGES: dict[str, str] = {
    Provider.GITHUB: "GitHub: Settings → Webhooks → Add webhook",
    Provider.GITLAB: "GitLab: Settings → Webhooks → Add new webhook",
    Provider.BITBUCKET: "Bitbucket: Repository settings → Webhooks → Add webhook",
    Provider.BITBUCKET_SERVER: "Bitbucket: Repository settings → Webhooks → Create webhook",
    Provider.GITEA: "Gitea: Settings → Webhooks → Add Webhook → Gitea; Forgejo: the same → Forgejo",
}
_SHOW_ONCE = "hook_secret_once"


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form that makes a project; then its set-up page, where the hook secret is shown once."""
    user = person(request)
    form = ProjectForm(user, request.POST or None)
    named = form.organizations.filter(slug=request.GET.get("organization", "")).first()
    form.initial["organization"] = named.pk if named else None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        organization = values.pop("organization")
        require(user, organization, Right.CREATE_PROJECT)
        try:
            project = create_project(organization, who=user, **values)
        except ProjectError as error:
            form.add_error(error.field, str(error))
        else:
            request.session[_SHOW_ONCE] = str(project.uuid)
            return redirect("project_setup", project.uuid)
    connections = Connection.objects.filter(organization__in=form.organizations).select_related("organization")
    context = {
        "form": form,
        "may_create": form.organizations.exists(),
        "connections": connections.defer("token", "app_key").order_by("organization__name", "url"),
    }
    return render(request, "builds/create.html", context, status=400 if form.errors else 200)


@require_safe
@never_cache
def setup(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """How to connect the repository: address, secret (once, after it was made), key, and the lines to type."""
    project = project_or_404(person(request), uuid)
    once = request.session.get(_SHOW_ONCE) == str(project.uuid)
    if once:
        del request.session[_SHOW_ONCE]
    context = {
        "project": project,
        "tab": "settings",
        "secret": project.hook_secret if once else "",
        "base": django_settings.PUBLIC_URL,
        "where": HOOK_PAGES.get(project.provider, ""),
        "signing_token": gitlab_signing_token(project.hook_secret) if once else "",
        "may_change": may_in(person(request), project, Right.CHANGE_PROJECT),
        **hosting_context(project),
    }
    return render(request, "builds/setup.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page, and the form of the project itself."""
    user = person(request)
    project = project_or_404(user, uuid)
    form = SettingsForm(request.POST or None, instance=project)
    if request.method == "POST":
        require_in(user, project, Right.CHANGE_PROJECT)
        if form.is_valid() and _changed(request, project, form):
            return redirect("project_settings", uuid)
        project.refresh_from_db()
    return _page(request, project, form=form, status=400 if form.errors else 200)


def _changed(request: HttpRequest, project: Project, form: SettingsForm) -> bool:
    try:
        change.change_project(project, form.cleaned_data, who=person(request))
    except ProjectError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    messages.success(request, "Saved.")
    return True


def _page(
    request: HttpRequest, project: Project, *, form: BaseForm, secret_form: SecretForm | None = None, status: int = 200
) -> HttpResponse:
    rights = rights_in(person(request), project)
    deliveries = WebhookDelivery.objects.filter(project=project).select_related("build").order_by("-received_at")
    context = {
        "project": project,
        "tab": "settings",
        "form": form,
        "secret_form": secret_form or SecretForm(),
        "secrets": with_values(told(project.secrets.filter(environment=""))),
        "of_later_apps": slots.fill("project_settings", [project]).get(project.pk, ""),
        "key": ProjectKey.objects.filter(project=project).defer("text").first(),
        "schedules": project.schedules.all(),
        "deliveries": deliveries[:DELIVERIES_SHOWN],
        **hosting_context(project),
        "teams": project.teams.order_by("name"),
        "may_change": Right.CHANGE_PROJECT in rights,
        "may_transfer": Right.TRANSFER_PROJECT in rights,
        "may_delete": Right.DELETE_PROJECT in rights,
    }
    return render(request, "builds/settings.html", context, status=status)


@require_POST
def renew_secret(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A new hook secret, shown once on the set-up page."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    change.renew_hook_secret(project, who=user)
    if project.connection_id is not None:
        set_up(project, [StepName.HOOK])
    request.session[_SHOW_ONCE] = str(project.uuid)
    return redirect("project_setup", uuid)


@require_POST
def put_secret(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Add a secret variable, or replace the one of that name."""
    _, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    form = SecretForm(request.POST)
    if form.is_valid() and secrets.put(request, project, form):
        return redirect("project_settings", uuid)
    return _page(request, project, form=SettingsForm(instance=project), secret_form=form, status=400)


@require_POST
def delete_secret(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Remove a secret variable."""
    _, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    secrets.delete(request, Place(project))
    return redirect("project_settings", uuid)
