"""Letters about accounts: through the outbox, sealed there, tried again where the mail server stumbles."""

from __future__ import annotations

import json
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from django.core import mail

from accounts.sign_in.letters import send
from builds.models import OutboxEntry
from builds.outbound.outbox import deliver_lane

pytestmark = pytest.mark.django_db
RESET = "account/email/password_reset_key"
LINK = {"password_reset_url": "https://ci.example.com/password/1/the-key"}


class AnyPort(Controller):
    """Listens on a port that the system chose."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Inbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def test_a_real_mail_server_gets_text_and_html(settings):
    inbox = Inbox()
    controller = AnyPort(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
        send(RESET, "ada@example.com", LINK)
        deliver_lane("letter:example.com")
    finally:
        controller.stop()
    (arrived,) = inbox.mails
    assert (arrived["To"], arrived["Subject"]) == ("ada@example.com", "Choose a new password · ciservice")
    assert arrived["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        assert LINK["password_reset_url"] in arrived.get_body((kind,)).get_content()
    assert OutboxEntry.objects.get().state == "sent"


def test_the_outbox_does_not_tell_the_link():
    send(RESET, "ada@example.com", LINK)
    stored = json.dumps(OutboxEntry.objects.get().payload)
    assert "the-key" not in stored
    assert "ada" not in stored


def test_what_the_mail_server_does_not_take_now_is_tried_again(monkeypatch):
    def busy(self: object) -> None:
        raise smtplib.SMTPRecipientsRefused({"ada@example.com": (451, b"later")})

    send(RESET, "ada@example.com", LINK)
    with monkeypatch.context() as patched:
        patched.setattr(mail.EmailMultiAlternatives, "send", busy)
        deliver_lane("letter:example.com")
    entry = OutboxEntry.objects.get()
    assert (entry.state, entry.last_error) == ("pending", "The mail server refused the address")
