"""Thousands of messages to a channel that hangs: builds go on, others are told, and what is too much is given up visibly."""

import time
import uuid

import pytest

from builds.models import Build, OutboxEntry, OutboxLane
from builds.outbound import lanes, outbox
from builds.services.move import move_build
from builds.states import Status
from notifications.models import Channel, Event, Message, MessageState, Rule
from notifications.services.queue import HOOK, MOST_WAITING
from tests.builds.outbound.servers import OK, answering, serving, silent
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 2000


def flood(rule):
    messages = [
        Message(
            rule=rule, project=rule.project, channel=rule.channel, event="failed", about=uuid.uuid4(), subject=str(n)
        )
        for n in range(COUNT)
    ]
    Message.objects.bulk_create(messages)
    OutboxEntry.objects.bulk_create(
        OutboxEntry(
            kind=HOOK,
            key=f"message:{message.uuid}",
            payload={"message": str(message.uuid)},
            lane=f"rule:{rule.uuid}",
            owner=f"organization:{rule.project.organization_id}",
        )
        for message in messages
    )


def test_a_flooded_channel_that_hangs_holds_up_nobody(project, make_build, settings, django_assert_num_queries):
    arrived: list[bytes] = []
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with serving(silent) as hanging, serving(answering(OK, arrived)) as good:
        hook = {"project": project, "events": [Event.FAILED], "channel": Channel.SLACK}
        bad = Rule.objects.create(**hook, target=f"http://127.0.0.1:{hanging.port}/")
        Rule.objects.create(**hook, target=f"http://127.0.0.1:{good.port}/")
        flood(bad)
        with django_assert_num_queries(1):
            (due,) = lanes.due_lanes(10)
        assert due.lane == f"rule:{bad.uuid}"
        outbox.deliver_due()
        wait_until(lambda: hanging.seen, what="the first call of the channel that hangs")
        began = time.monotonic()
        build = make_build()
        move_build(build.pk, Status.RUNNING)
        move_build(build.pk, Status.FAILED)
        outbox.deliver_due()
        wait_until(lambda: arrived, seconds=10, what="the other channel")
        assert Build.objects.get(pk=build.pk).status == Status.FAILED
        assert hanging.seen == 1, f"it still hangs after {time.monotonic() - began:.1f} s, in one thread"
    assert outbox.wait_idle(30)
    states = Message.objects.filter(rule=bad).values_list("state", flat=True)
    dead = [state for state in states if state == MessageState.DEAD]
    assert len(dead) == COUNT - MOST_WAITING
    assert "more than 1,000 were waiting" in Message.objects.filter(rule=bad, state=MessageState.DEAD)[0].error
    lane = OutboxLane.objects.get(name=f"rule:{bad.uuid}")
    assert lane.failures == 1
    assert lane.rests_until is not None
