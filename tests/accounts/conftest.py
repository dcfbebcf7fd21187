"""What the tests of accounts share."""

from __future__ import annotations

import re

import pytest
from django.core import mail

from builds.models import OutboxEntry
from builds.outbound.outbox import deliver_lane

PASSWORD = "correct horse battery"


@pytest.fixture
def letters():
    """Has the outbox sent what waits in it; the e-mails since the last time."""

    def sent() -> list[mail.EmailMultiAlternatives]:
        mail.outbox.clear()
        for lane in sorted(set(OutboxEntry.objects.due().values_list("lane", flat=True))):
            deliver_lane(lane)
        return list(mail.outbox)

    return sent


@pytest.fixture
def link_in():
    """The path of the one link to this instance in a letter, but that to the instance itself."""

    def find(letter: mail.EmailMultiAlternatives) -> str:
        (found,) = re.findall(r"^http://testserver(/\S+)$", letter.body, re.MULTILINE)
        return found

    return find


@pytest.fixture
def log_in(client):
    """Sends the log-in's form."""

    def send(email: str, password: str = PASSWORD, **more: str):
        return client.post("/login", {"username": email, "password": password, **more})

    return send


@pytest.fixture
def confirmed(client, owner):
    """The owner's browser, after the password was typed once more."""
    client.force_login(owner)
    client.post("/account/confirm", {"password": PASSWORD})
    return client
