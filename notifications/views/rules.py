"""A project's notifications: its rules, and what became of the last messages."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from builds.access import Right, may_in, project_or_404, require_in
from builds.models import Project
from builds.views.person import person
from notifications.forms import RuleForm
from notifications.models import Channel, Message, MessageState, Rule
from notifications.services.default_rules import DEFAULT_EVENTS
from notifications.services.recipients import APPROVERS, COMMITTER
from notifications.services.rules import MOST_RULES, TooManyError, add_rule, change_rule, remove_rule
from notifications.services.send_test import send_test

_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page; a POST adds a rule."""
    user = person(request)
    project = project_or_404(user, uuid)
    form = RuleForm(request.POST or None, initial={"channel": Channel.EMAIL, "events": DEFAULT_EVENTS})
    if request.method == "POST":
        require_in(user, project, Right.CHANGE_PROJECT)
        if form.is_valid() and _added(form, project, user):
            return redirect("notifications", uuid)
    context = {
        "project": project,
        "tab": "notifications",
        "rules": [(rule, where(rule)) for rule in project.notification_rules.all()],
        "sent": Message.objects.filter(rule__project=project).select_related("rule").order_by("-id")[:_SHOWN],
        "form": form,
        "may_change": may_in(user, project, Right.CHANGE_PROJECT),
    }
    return render(request, "notifications/rules.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> HttpResponse:
    """The form of one rule. A hook's address is not shown again: left empty it stays."""
    user, rule = _to_change(request, uuid, rule_uuid)
    initial = {"events": rule.events, "branch": rule.branch, "channel": rule.channel}
    if rule.channel == Channel.EMAIL:
        initial["target"] = rule.target
    known = {"known_channel": rule.channel, "known_target": rule.target}
    form = RuleForm(request.POST or None, initial=initial, **known)
    if request.method == "POST" and form.is_valid():
        change_rule(rule, form.cleaned_data, user=user)
        return redirect("notifications", uuid)
    context = {"project": rule.project, "tab": "notifications", "rule": rule, "form": form}
    return render(request, "notifications/edit.html", context, status=400 if form.errors else 200)


@require_POST
def toggle(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> HttpResponse:
    """Switch a rule on (`enabled` is 1) or off."""
    user, rule = _to_change(request, uuid, rule_uuid)
    change_rule(rule, {"enabled": request.POST.get("enabled") == "1"}, user=user)
    return redirect("notifications", uuid)


@require_POST
def remove(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> HttpResponse:
    """Remove a rule."""
    user, rule = _to_change(request, uuid, rule_uuid)
    remove_rule(rule, user=user)
    return redirect("notifications", uuid)


@require_POST
def test(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> HttpResponse:
    """Send a test message by a rule."""
    user, rule = _to_change(request, uuid, rule_uuid)
    sent = send_test(rule, user=user)
    if sent.state == MessageState.DROPPED:
        messages.error(request, f"Nothing was sent. {sent.error}.")
    else:
        messages.success(request, "A test message is on its way: see below what becomes of it.")
    return redirect("notifications", uuid)


def where(rule: Rule) -> str:
    """Whom a rule tells, for people; of a hook's address, which is a secret, only the host."""
    if rule.channel == Channel.EMAIL:
        return f"the {rule.target}" if rule.target in {APPROVERS, COMMITTER} else rule.target
    try:
        return urlsplit(rule.target).hostname or "a hook"
    except ValueError:
        return "a hook"


def _added(form: RuleForm, project: Project, user: User) -> bool:
    try:
        add_rule(project, form.cleaned_data, user=user)
    except TooManyError:
        form.add_error(None, f"A project has {MOST_RULES} rules at most.")
        return False
    return True


def _to_change(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> tuple[User, Rule]:
    user = person(request)
    project = project_or_404(user, uuid)
    rule = get_object_or_404(project.notification_rules.select_related("project__organization"), uuid=rule_uuid)
    require_in(user, project, Right.CHANGE_PROJECT)
    return user, rule
