"""Old rows go, young ones and those that still matter stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from builds.models import OutboxEntry, Runner, WebhookDelivery
from builds.services.prune import prune


@pytest.mark.django_db
def test_what_has_served_goes(project):
    month, day = timedelta(days=31), timedelta(days=2)
    for number, age in enumerate((month, day)):
        delivery = WebhookDelivery.objects.create(project=project, provider="github", delivery_id=str(number))
        WebhookDelivery.objects.filter(pk=delivery.pk).update(received_at=Now() - age, outcome="ignored")
        for state in ("sent", "pending", "dead"):
            entry = OutboxEntry.objects.create(kind="mail", key=f"{number}-{state}", payload={}, state=state)
            OutboxEntry.objects.filter(pk=entry.pk).update(sent_at=Now() - age, created_at=Now() - age)
        Runner.objects.create(
            name=f"r{number}",
            executor="fake",
            version="1",
            started_at=Now(),
            seen_at=Now() - age + timedelta(days=1, hours=2),
        )
    assert prune() == 3
    assert WebhookDelivery.objects.get().delivery_id == "1"
    assert sorted(OutboxEntry.objects.values_list("key", flat=True)) == [
        "0-dead",
        "0-pending",
        "1-dead",
        "1-pending",
        "1-sent",
    ]
    assert Runner.objects.get().name == "r1"
    assert prune() == 0
