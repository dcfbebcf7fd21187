"""The rules that a project begins with: CodeShip's, an e-mail to the committer on failed and recovered, and more."""

from __future__ import annotations

from django.db import transaction

from builds.models import Project
from notifications.models import Channel, Event, Rule
from notifications.services.addressees import APPROVERS, COMMITTER
from notifications.services.people import USUAL

DEFAULT_EVENTS = USUAL


def make_default_rules(project_id: int) -> None:
    """Give a new project its rules, once: one that has rules keeps them."""
    with transaction.atomic():
        project = Project.objects.select_for_update(of=("self",), no_key=True).filter(pk=project_id).first()
        if project is not None and not project.notification_rules.exists():
            tell(project, channel=Channel.EMAIL, target=COMMITTER, events=DEFAULT_EVENTS)
            tell(project, channel=Channel.EMAIL, target=APPROVERS, events=(Event.APPROVAL,))


def tell(project: Project, *, channel: str, target: str, events: tuple[str, ...], branch: str = "") -> Rule:
    """Add a rule to a project; what people typed is checked by the form, not here."""
    names = list(dict.fromkeys(str(Event(event)) for event in events))
    return Rule.objects.create(project=project, channel=channel, target=target, events=names, branch=branch)
