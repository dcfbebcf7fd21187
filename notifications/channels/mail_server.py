"""Hands e-mails to the mail server, and says of a failure whether to try again."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMultiAlternatives

from builds.outbound.errors import DeliveryError


def hand_over(mail: EmailMultiAlternatives) -> None:
    """Send it; blocks for some EMAIL_TIMEOUTs at most."""
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
