"""Carries letters about accounts: through the outbox, sealed, since their links let people in."""

from __future__ import annotations

import json
from dataclasses import asdict
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from accounts.sealing import seal, unseal
from accounts.sign_in.letters import Letter
from builds.outbound.outbox import Payload, handles, put
from notifications.channels.mail_server import hand_over

KIND = "letter"


def put_letter(letter: Letter) -> None:
    """Queue it in the caller's transaction; letters to one domain go one after another."""
    domain = letter.to.rpartition("@")[2].lower()[:150]
    put(KIND, f"{KIND}:{uuid4()}", {"sealed": seal(json.dumps(asdict(letter)))}, lane=f"{KIND}:{domain}")


@handles(KIND)
def carry(payload: Payload) -> None:
    """Hand it to the mail server."""
    letter = Letter(**json.loads(unseal(payload["sealed"])))
    headers = {"Auto-Submitted": "auto-generated"}
    mail = EmailMultiAlternatives(
        letter.subject, letter.text, settings.DEFAULT_FROM_EMAIL, [letter.to], headers=headers
    )
    mail.attach_alternative(letter.html, "text/html")
    hand_over(mail)
