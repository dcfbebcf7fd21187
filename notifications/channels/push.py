"""Web push: encrypted for one browser (RFC 8291), signed as from this instance (RFC 8292)."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from builds.outbound import client
from builds.outbound.client import Answer
from builds.outbound.errors import DeliveryError
from notifications.models import Browser, Message
from notifications.services.texts import shortened
from notifications.services.vapid import vapid

SECONDS_KEPT = 24 * 3600  # by the push service, while the browser is away
_GONE = {404, 410}


def send(message: Message) -> Answer:
    """Hand it to the browser's push service; a subscription that is gone is forgotten."""
    browser = Browser.objects.filter(uuid=message.recipient, user=message.person_id).first()
    if browser is None:
        raise DeliveryError("This browser is not told any more", permanent=True)
    answer = client.post(browser.endpoint, data=sealed(browser, body(message)), headers=_headers(browser))
    if answer.status in _GONE:
        browser.delete()
        raise DeliveryError("The browser takes no messages any more: it was forgotten", permanent=True)
    return answer


def body(message: Message) -> bytes:
    """What the service worker shows."""
    shown = {
        "title": shortened(message.subject, 120),
        "body": shortened(message.details, 300),
        "link": message.link,
        "tag": str(message.about),
    }
    return json.dumps(shown).encode()


def sealed(browser: Browser, text: bytes) -> bytes:
    """`text`, as only the browser can read it."""
    try:
        return bytes(
            http_ece.encrypt(
                text,
                private_key=ec.generate_private_key(ec.SECP256R1()),
                dh=_decoded(browser.key),
                auth_secret=_decoded(browser.auth),
                version="aes128gcm",
            )
        )
    except (ValueError, http_ece.ECEException) as error:
        raise DeliveryError("The browser's keys are no keys", permanent=True) from error


def _headers(browser: Browser) -> dict[str, str]:
    parts = urlsplit(browser.endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": f"mailto:{settings.DEFAULT_FROM_EMAIL}"}
    signed: dict[str, str] = vapid().sign(claims)
    return {
        **signed,
        "TTL": str(SECONDS_KEPT),
        "Urgency": "normal",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
