"""Send a message of no meaning, so that people see whether a rule's target hears them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from notifications.models import Event, Message, MessageState, Rule
from notifications.services.happening import Happening, Words
from notifications.services.notify import write
from notifications.services.recipients import NobodyError, recipient_of
from notifications.services.texts import one_line


def send_test(rule: Rule, *, user: User) -> Message:
    """The message, on its way; the committer of a test is the person who asks for it."""
    project = rule.project
    words = Words(
        subject=f"{one_line(project.name, 140)}: a test message",
        sentence="A test: messages of this project arrive here",
        details=f"{one_line(project.name, 140)}\nasked for by {one_line(str(user), 100)}",
        link=f"{settings.PUBLIC_URL}{reverse('notifications', args=[project.uuid])}",
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
        try:
            message.recipient = recipient_of(rule, asked)
        except NobodyError as nobody:
            message.state, message.error = MessageState.DROPPED, str(nobody)
            message.save()
        else:
            write(rule, message)
    return message
