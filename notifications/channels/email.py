"""E-mail: text and HTML, threads per branch. What strangers wrote gets into no header but the subject, cleaned."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from builds.models import Project
from builds.outbound.errors import DeliveryError
from notifications.addresses import rules_url, unsubscribe_url, wishes_url
from notifications.channels.colours import colour_of
from notifications.channels.mail_server import hand_over
from notifications.models import Message
from notifications.services.mail_address import is_address
from notifications.services.texts import one_line


def send(message: Message) -> None:
    """Hand the message to the mail server; blocks for some EMAIL_TIMEOUTs at most."""
    if not is_address(message.recipient):
        raise DeliveryError("This is not an address that can be written to", permanent=True)
    hand_over(compose(message))


def compose(message: Message) -> EmailMultiAlternatives:
    """The e-mail."""
    project = message.project or (message.rule.project if message.rule else None)
    if project is None:
        raise DeliveryError("The project is gone", permanent=True)
    context = {
        "message": message,
        "project": project,
        "colour": colour_of(message),
        "rules": rules_url(project.uuid) if message.rule else "",
        "wishes": wishes_url() if message.person else "",
        "unsubscribe": unsubscribe_url(message.recipient, project.uuid),
    }
    mail = EmailMultiAlternatives(
        subject=one_line(message.subject, 200),
        body=render_to_string("notifications/email.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.recipient],
        headers=_headers(message, project),
    )
    mail.attach_alternative(render_to_string("notifications/email.html", context), "text/html")
    return mail


def unsubscribing(address: str, project_uuid: UUID | None) -> dict[str, str]:
    """The headers by which a mail program takes somebody off, with one click (RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_url(address, project_uuid)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _headers(message: Message, project: Project) -> dict[str, str]:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    headers = {
        # The same at every try, so that a message that is sent twice shows once.
        "Message-ID": f"<{message.uuid}@{host}>",
        "List-Id": f"<{project.uuid}.{host}>",
        **unsubscribing(message.recipient, project.uuid),
        "Auto-Submitted": "auto-generated",
        "X-Ciservice-Event": message.event,
    }
    if message.thread:
        root = hashlib.sha256(message.thread.encode(errors="replace")).hexdigest()[:32]
        headers["References"] = headers["In-Reply-To"] = f"<{root}@{host}>"
    return headers
