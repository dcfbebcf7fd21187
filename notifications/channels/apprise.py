"""Whatever else Apprise knows, in a process of its own behind a fence, with an end."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from django.conf import settings

from builds.outbound.errors import DeliveryError
from notifications.channels.apprise_services import service_of
from notifications.channels.plain import neutral
from notifications.channels.target import target_of
from notifications.models import Event, Message

SECONDS = 30
_TYPES: dict[str, str] = {
    Event.PASSED: "success",
    Event.RECOVERED: "success",
    Event.DEPLOYED: "success",
    Event.HEALTHY: "success",
    Event.FAILED: "failure",
    Event.DEPLOY_FAILED: "failure",
    Event.ROLLED_BACK: "failure",
    Event.UNHEALTHY: "failure",
    Event.HOSTING: "failure",
}


def send(message: Message) -> None:
    """Have Apprise send it; DeliveryError says as much as may be said of an address that is a secret."""
    address = target_of(message)
    service = service_of(address)
    if not service:
        raise DeliveryError("This is not an address of a service that is known here", permanent=True)
    answer = _ask(request(message, address))
    if answer["refused"]:
        raise DeliveryError("This address is not on the public internet and so is not called", permanent=True)
    if not answer["understood"]:
        raise DeliveryError(f"This is not an address of {service}", permanent=True)
    if not answer["sent"]:
        raise DeliveryError(f"{service} did not take it")


def request(message: Message, address: str) -> dict[str, Any]:
    """What the process is told."""
    lines = [message.details, message.excerpt[-1500:]]
    return {
        "url": address,
        "title": neutral(message.subject),
        "body": "\n".join([*(neutral(line) for line in lines if line), message.link]),
        "type": _TYPES.get(message.event, "info"),
        "allowed": list(settings.OUTBOUND_ALLOWED_HOSTS),
    }


def _ask(asked: dict[str, Any]) -> dict[str, bool]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "notifications.channels.apprise_child"],
            input=json.dumps(asked).encode(),
            env={"PYTHONPATH": str(settings.BASE_DIR), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd=settings.BASE_DIR,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            start_new_session=True,
        )
        answer: dict[str, bool] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise DeliveryError(f"No answer within {SECONDS} s") from None
    except ValueError:
        raise DeliveryError("The message could not be sent") from None
    return answer
