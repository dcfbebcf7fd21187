"""Send a message of no meaning, so that people see whether a rule's target hears them."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from notifications.addresses import rules_url
from notifications.models import Event, Message, Rule
from notifications.services.happening import Happening, Words
from notifications.services.notify import write
from notifications.services.texts import one_line


def send_test(rule: Rule, *, user: User) -> Message:
    """The message, on its way; the committer of a test is the person who asks for it."""
    project = rule.project
    words = Words(
        subject=f"{one_line(project.name, 140)}: a test message",
        sentence="A test: messages of this project arrive here",
        details=f"{one_line(project.name, 140)}\nasked for by {one_line(str(user), 100)}",
        link=rules_url(project.uuid),
    )
    message = Message(
        rule=rule,
        event=Event.TEST,
        about=uuid.uuid4(),
        subject=words.subject,
        sentence=words.sentence,
        details=words.details,
        link=words.link,
    )
    asked = Happening(
        project=project,
        branch="",
        about=message.about,
        events=(Event.TEST,),
        at=timezone.now(),
        committer=user.email,
        is_trusted=True,
        words=lambda _: words,
    )
    with transaction.atomic():
        write(rule, message, asked)
    return message
