"""E-mail: text and HTML, threads per branch. What strangers wrote gets into no header but the subject, cleaned."""

from __future__ import annotations

import hashlib
import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from builds.outbound.errors import DeliveryError
from notifications.addresses import rules_url
from notifications.channels.colours import colour_of
from notifications.models import Message
from notifications.services.recipients import is_address
from notifications.services.texts import one_line


def send(message: Message) -> None:
    """Hand the message to the mail server; blocks for some EMAIL_TIMEOUTs at most."""
    if not is_address(message.recipient):
        raise DeliveryError("This is not an address that can be written to", permanent=True)
    mail = compose(message)
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise DeliveryError("The mail server refused the address", permanent=all(c >= 500 for c in codes)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError("The mail server refused our name and password") from error
    except smtplib.SMTPResponseException as error:
        said = f"The mail server refused the message with {error.smtp_code}"
        raise DeliveryError(said, permanent=error.smtp_code >= 500) from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError("The mail server could not be reached") from error
    except ValueError as error:  # Django's BadHeaderError is one
        raise DeliveryError("The message cannot be sent as an e-mail", permanent=True) from error


def compose(message: Message) -> EmailMultiAlternatives:
    """The e-mail."""
    context = {"message": message, "rules": rules_url(message.rule.project.uuid), "colour": colour_of(message)}
    mail = EmailMultiAlternatives(
        subject=one_line(message.subject, 200),
        body=render_to_string("notifications/email.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.recipient],
        headers=_headers(message),
    )
    mail.attach_alternative(render_to_string("notifications/email.html", context), "text/html")
    return mail


def _headers(message: Message) -> dict[str, str]:
    project, host = message.rule.project, urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    headers = {
        # The same at every try, so that a message that is sent twice shows once.
        "Message-ID": f"<{message.uuid}@{host}>",
        "List-Id": f"<{project.uuid}.{host}>",
        "List-Unsubscribe": f"<{rules_url(project.uuid)}>",
        "Auto-Submitted": "auto-generated",
        "X-Ciservice-Event": message.event,
    }
    if message.thread:
        root = hashlib.sha256(message.thread.encode(errors="replace")).hexdigest()[:32]
        headers["References"] = headers["In-Reply-To"] = f"<{root}@{host}>"
    return headers
