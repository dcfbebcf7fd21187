"""Make, change and remove rules, with an entry in the audit log. Nothing of a hook's address gets into it."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.audit import record
from builds.models import Project
from notifications.models import Channel, Rule
from notifications.services.addressees import TEAM

MOST_RULES = 50


class TooManyError(Exception):
    """The project has as many rules as it may have."""


def add_rule(project: Project, values: dict[str, Any], *, user: User) -> Rule:
    """A new rule; `values` are events, branch, channel and target, checked. TooManyError at MOST_RULES."""
    with transaction.atomic():
        Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk)
        if project.notification_rules.count() >= MOST_RULES:
            raise TooManyError
        rule = Rule.objects.create(project=project, secret=_first_secret(values), **values)
        _record("added", rule, user)
    return rule


def renew_secret(rule: Rule, *, user: User) -> str:
    """Have the webhook signed with a new secret from now on, and return it: it is not shown again."""
    made = new_secret()
    with transaction.atomic():
        rule.secret = made
        rule.save(update_fields=["secret"])
        _record("secret_renewed", rule, user)
    return made


def new_secret() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def change_rule(rule: Rule, values: dict[str, Any], *, user: User) -> None:
    """Set what is given; from now on, it tells of what happens from now on."""
    with transaction.atomic():
        for name, value in values.items():
            setattr(rule, name, value)
        rule.changed_at = timezone.now()
        rule.secret = rule.secret or _first_secret({"channel": rule.channel})
        rule.save()
        _record("changed", rule, user)


def remove_rule(rule: Rule, *, user: User) -> None:
    """Remove it with its messages; what is queued is dropped."""
    with transaction.atomic():
        _record("removed", rule, user)
        rule.delete()


def stop_telling_teams(project: Project) -> None:
    """Another organisation has the project: what told teams of the one before is off, and the log says so."""
    for rule in project.notification_rules.filter(channel=Channel.EMAIL, enabled=True):
        if rule.target.startswith(TEAM):
            rule.enabled = False
            rule.save(update_fields=["enabled"])
            _record("disabled", rule, None)


def _first_secret(values: dict[str, Any]) -> str:
    return new_secret() if values.get("channel") == Channel.WEBHOOK else ""


def _record(verb: str, rule: Rule, user: User | None) -> None:
    details = {"project": str(rule.project.uuid), "events": rule.events, "branch": rule.branch, "enabled": rule.enabled}
    organization = rule.project.organization
    record(f"rule.{verb}", str(rule)[:200], user=user, organization=organization, details=details)
