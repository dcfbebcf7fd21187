"""Webhooks: CodeShip's JSON, with ours beside it, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from builds.addresses import build_url
from builds.commit_address import commit_address
from builds.models import Build
from builds.outbound import client
from builds.outbound.client import Answer
from builds.states import CODESHIP_STATUS
from notifications.channels.target import target_of
from notifications.models import Event, Message

# CodeShip's words; what it never told of keeps the build's own.
_STATUS: dict[str, str] = {
    Event.STARTED: "testing",
    Event.PASSED: "success",
    Event.RECOVERED: "success",
    Event.FAILED: "error",
    Event.TEST: "success",
}


def send(message: Message) -> Answer:
    """POST the message, signed with the rule's secret over `timestamp.body`."""
    body = json.dumps(payload(message), ensure_ascii=False, separators=(",", ":")).encode()
    return client.post(target_of(message), data=body, headers=headers(message, body, int(time.time())))


def headers(message: Message, body: bytes, now: int) -> dict[str, str]:
    """What is sent beside the body; the delivery's id stays the same however often it is sent."""
    secret = message.rule.secret if message.rule else ""
    signed = {
        "Content-Type": "application/json",
        "X-Ciservice-Event": message.event,
        "X-Ciservice-Delivery": str(message.uuid),
        "X-Ciservice-Timestamp": str(now),
    }
    if secret:
        signed["X-Ciservice-Signature"] = f"sha256={_hmac(secret, body)}"
        signed["X-Ciservice-Signature-Timestamped"] = f"sha256={_hmac(secret, f'{now}.'.encode() + body)}"
    return signed


def payload(message: Message) -> dict[str, Any]:
    """The body: `build` as CodeShip sent it, and more beside it."""
    ours = {
        "event": message.event,
        "delivery": str(message.uuid),
        "sentence": message.sentence,
        "link": message.link,
        "project": str(message.project.uuid) if message.project else "",
    }
    if message.build is None:
        return {"build": None, **ours}
    return {"build": _build(message, message.build), **ours}


def _build(message: Message, build: Build) -> dict[str, Any]:
    project = build.project
    codeships = {
        "build_url": build_url(project.uuid, build.number),
        "commit_url": commit_address(build),
        "project_id": project.pk,
        "build_id": build.pk,
        "status": _status(message.event, build),
        "project_full_name": project.name,
        "project_name": project.name,
        "commit_id": build.commit,
        "short_commit_id": build.commit[:5],
        "message": build.message,
        "committer": build.author_username or build.author_name,
        "branch": build.branch,
    }
    times = {"started_at": build.started_at, "finished_at": build.finished_at}
    return {
        **codeships,
        "uuid": str(build.uuid),
        "number": build.number,
        "ref": build.ref,
        "pull_request": build.pull_request,
        "author_email": build.author_email,
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }


def _status(event: str, build: Build) -> str:
    known = _STATUS.get(event)
    if event == Event.FAILED:
        return CODESHIP_STATUS[build.status] if build.is_final else "error"
    return known or CODESHIP_STATUS[build.status]


def _hmac(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
