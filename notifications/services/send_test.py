"""Send a message of no meaning, so that people see whether a rule's target hears them."""

from __future__ import annotations

import uuid

from django.utils import timezone

from accounts.models import User
from notifications.addresses import rules_url
from notifications.models import Event, Message, MessageState, Rule
from notifications.services.addressees import by_rule
from notifications.services.happening import Happening, Words
from notifications.services.notify import write
from notifications.services.texts import one_line

MOST_OF_A_TEST = 3  # of a rule for many people


def send_test(rule: Rule, *, user: User) -> Message:
    """The message, on its way; the committer of a test is the person who asks for it."""
    project = rule.project
    words = Words(
        subject=f"{one_line(project.name, 140)}: a test message",
        sentence="A test: messages of this project arrive here",
        details=f"{one_line(project.name, 140)}\nasked for by {one_line(str(user), 100)}",
        link=rules_url(project.uuid),
    )
    asked = Happening(
        project=project,
        branch="",
        about=uuid.uuid4(),
        events=(Event.TEST,),
        at=timezone.now(),
        committer=user.email,
        approvers=lambda: [user.email],
        words=lambda _: words,
    )
    wanted = by_rule(rule, Event.TEST, asked)[:MOST_OF_A_TEST]
    made = [message for each in wanted if (message := write(each, asked, words)) is not None]
    # Where several are told, the first that is on its way says it best.
    return min(made, key=lambda message: message.state == MessageState.DROPPED)
