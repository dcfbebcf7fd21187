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
from notifications.channels.apprise_services import SERVICES, service_of
from notifications.forms import WORDS, RuleForm
from notifications.models import Channel, Message, MessageState, Rule
from notifications.services.addressees import MEMBERS, TEAM
from notifications.services.again import send_again
from notifications.services.default_rules import DEFAULT_EVENTS
from notifications.services.rules import (
    MOST_RULES,
    TooManyError,
    add_rule,
    change_rule,
    remove_rule,
    renew_secret,
)
from notifications.services.send_test import send_test

_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page; a POST adds a rule."""
    user = person(request)
    project = project_or_404(user, uuid)
    initial = {"channel": Channel.EMAIL, "events": DEFAULT_EVENTS, "audience": "committer"}
    form = RuleForm(request.POST or None, initial=initial, project=project)
    if request.method == "POST":
        require_in(user, project, Right.CHANGE_PROJECT)
        if form.is_valid() and (rule := _added(form, project, user)) is not None:
            return _show_secret(request, rule) if rule.secret else redirect("notifications", uuid)
    sent = Message.objects.filter(rule__project=project).select_related("rule").order_by("-id")[:_SHOWN]
    context = {
        "project": project,
        "tab": "notifications",
        "rules": [(rule, where(rule)) for rule in project.notification_rules.all()],
        "sent": [(message, can_go_again(message)) for message in sent],
        "refusals": project.refusals.order_by("address")[:_SHOWN],
        "services": ", ".join(SERVICES),
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
        is_known = rule.target in WORDS or rule.target.startswith(TEAM)
        initial["audience" if is_known else "target"] = rule.target
    known = {"known_channel": rule.channel, "known_target": rule.target}
    form = RuleForm(request.POST or None, initial=initial, project=rule.project, **known)
    if request.method == "POST" and form.is_valid():
        had_secret = bool(rule.secret)
        change_rule(rule, form.cleaned_data, user=user)
        return _show_secret(request, rule) if rule.secret and not had_secret else redirect("notifications", uuid)
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
    if sent is None or sent.state == MessageState.DROPPED:
        messages.error(request, f"Nothing was sent. {sent.error if sent else 'The rule is gone'}.")
    else:
        messages.success(request, "A test message is on its way: see below what becomes of it.")
    return redirect("notifications", uuid)


@require_POST
def secret(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> HttpResponse:
    """Give a webhook a new secret, and show it this once."""
    user, rule = _to_change(request, uuid, rule_uuid)
    if rule.channel != Channel.WEBHOOK:
        messages.error(request, "Only webhooks are signed.")
        return redirect("notifications", uuid)
    renew_secret(rule, user=user)
    return _show_secret(request, rule)


@require_POST
def again(request: HttpRequest, uuid: UUID, message_uuid: UUID) -> HttpResponse:
    """Send a message once more."""
    user = person(request)
    project = project_or_404(user, uuid)
    message = get_object_or_404(Message, uuid=message_uuid, project=project)
    require_in(user, project, Right.CHANGE_PROJECT)
    if send_again(message):
        messages.success(request, "It is on its way again: see below what becomes of it.")
    else:
        messages.error(request, "This message is still on its way, or cannot be sent again.")
    return redirect("notifications", uuid)


def where(rule: Rule) -> str:
    """Whom a rule tells, for people; of a hook's address, which is a secret, only the host or the service."""
    if rule.channel == Channel.EMAIL:
        return _people(rule)
    if rule.channel == Channel.APPRISE:
        return service_of(rule.target) or "a service"
    try:
        return urlsplit(rule.target).hostname or "a hook"
    except ValueError:
        return "a hook"


def can_go_again(message: Message) -> bool:
    """Whether the page offers it: what did not arrive, and deliveries of webhooks."""
    is_hook = message.channel == Channel.WEBHOOK and message.state == MessageState.SENT
    return message.state == MessageState.DEAD or is_hook


def _people(rule: Rule) -> str:
    if rule.target == MEMBERS:
        return "everybody who sees the project"
    if rule.target.startswith(TEAM):
        team = rule.project.teams.filter(uuid=rule.target.removeprefix(TEAM)).first()
        return f"the team {team}" if team else "a team that does not look after the project any more"
    return f"the {rule.target}" if rule.target in WORDS else rule.target


def _show_secret(request: HttpRequest, rule: Rule) -> HttpResponse:
    context = {"project": rule.project, "tab": "notifications", "rule": rule, "where": where(rule)}
    answer = render(request, "notifications/secret.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _added(form: RuleForm, project: Project, user: User) -> Rule | None:
    try:
        return add_rule(project, form.cleaned_data, user=user)
    except TooManyError:
        form.add_error(None, f"A project has {MOST_RULES} rules at most.")
        return None


def _to_change(request: HttpRequest, uuid: UUID, rule_uuid: UUID) -> tuple[User, Rule]:
    user = person(request)
    project = project_or_404(user, uuid)
    rule = get_object_or_404(project.notification_rules.select_related("project__organization"), uuid=rule_uuid)
    require_in(user, project, Right.CHANGE_PROJECT)
    return user, rule
