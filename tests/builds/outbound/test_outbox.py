"""What goes into the outbox goes out: once where nothing breaks, again where it does, and past what hangs."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from builds.models import OutboxEntry, OutboxLane
from builds.models.outbox import OutboxState
from builds.outbound import lanes, outbox, pool
from builds.outbound.outbox import DeliveryError
from builds.signals import outbox_filled
from tests.servers import wait_until


class Receiver:
    """Somebody outside: keeps what arrives; `trouble` is raised instead while it is set."""

    def __init__(self) -> None:
        self.kind = f"test-{uuid.uuid4().hex[:12]}"
        self.arrived: list[object] = []
        self.tries = 0
        self.lost: list[tuple[object, str]] = []
        self.trouble: Exception | None = None
        outbox.handles(self.kind, gave_up=lambda payload, error: self.lost.append((payload["n"], error)))(self._take)

    def _take(self, payload):
        self.tries += 1
        if self.trouble is not None:
            raise self.trouble
        self.arrived.append(payload["n"])

    def put(self, n=1, lane=""):
        outbox.put(self.kind, f"{self.kind}:{n}", {"n": n}, lane=lane)

    @property
    def entries(self):
        return OutboxEntry.objects.filter(kind=self.kind).order_by("id")


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def bells():
    rung = []

    def listen(entry_id, **_):
        rung.append(entry_id)

    outbox_filled.connect(listen)
    yield rung
    outbox_filled.disconnect(listen)


def due():
    return [each.lane for each in lanes.due_lanes(10)]


def make_due(receiver):
    """The time of every pause passes."""
    receiver.entries.update(not_before=timezone.now() - timedelta(seconds=5))
    OutboxLane.objects.update(rests_until=None)


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_sends_nothing(receiver, bells):
    def fail():
        with transaction.atomic():
            receiver.put()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not receiver.entries.exists()
    assert bells == []


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit(receiver, bells):
    with transaction.atomic():
        receiver.put()
        assert bells == []
    assert bells == [receiver.entries.get().pk]


@pytest.mark.django_db(transaction=True)
def test_a_doubled_key_is_sent_once(receiver):
    for _ in range(3):
        with transaction.atomic():
            receiver.put()
    outbox.deliver_lane(receiver.kind)
    receiver.put()
    outbox.deliver_lane(receiver.kind)
    assert receiver.arrived == [1]
    entry = receiver.entries.get()
    assert (entry.state, entry.attempts) == (OutboxState.SENT, 1)
    assert entry.sent_at is not None


@pytest.mark.django_db
def test_retries_follow_the_schedule_and_end(receiver):
    receiver.put()
    receiver.trouble = DeliveryError("The hook answered with 503")
    pauses = []
    for _ in outbox.RETRY_AFTER:
        before = timezone.now()
        assert outbox.deliver_lane(receiver.kind) == 1
        pauses.append(receiver.entries.get().not_before - before)
        assert receiver.entries.get().state == OutboxState.PENDING
        assert outbox.deliver_lane(receiver.kind) == 0
        make_due(receiver)
    grace = timedelta(seconds=4)
    assert all(abs(pause - planned) < grace for pause, planned in zip(pauses, outbox.RETRY_AFTER, strict=True))
    receiver.entries.update(created_at=timezone.now() - outbox.GIVE_UP_AFTER)
    assert outbox.deliver_lane(receiver.kind) == 1
    entry = receiver.entries.get()
    assert (entry.state, entry.attempts, entry.last_error) == ("dead", 9, "The hook answered with 503")
    assert receiver.lost == [(1, "The hook answered with 503")]
    assert receiver.arrived == []


@pytest.mark.django_db
def test_a_permanent_failure_is_not_tried_again(receiver):
    receiver.put()
    receiver.trouble = DeliveryError("No such hook", permanent=True)
    outbox.deliver_lane(receiver.kind)
    make_due(receiver)
    outbox.deliver_lane(receiver.kind)
    assert receiver.tries == 1
    assert receiver.entries.get().state == OutboxState.DEAD
    assert receiver.lost == [(1, "No such hook")]


@pytest.mark.django_db
def test_it_arrives_after_a_failure(receiver):
    receiver.put()
    receiver.trouble = DeliveryError("Busy")
    outbox.deliver_lane(receiver.kind)
    receiver.trouble = None
    make_due(receiver)
    outbox.deliver_lane(receiver.kind)
    assert receiver.arrived == [1]
    assert receiver.entries.get().last_error == ""
    assert OutboxLane.objects.get(name=receiver.kind).failures == 0


@pytest.mark.django_db
def test_an_error_of_ours_costs_one_try_and_stops_nobody(receiver, caplog):
    receiver.put(1)
    receiver.put(2)
    receiver.trouble = ZeroDivisionError("a password")
    outbox.deliver_lane(receiver.kind)
    assert receiver.tries == 2
    assert {entry.last_error for entry in receiver.entries} == {"An error of ours: ZeroDivisionError"}


@pytest.mark.django_db
def test_what_nobody_delivers_waits():
    outbox.put("of-a-newer-release", "of-a-newer-release:1", {})
    outbox.deliver_lane("of-a-newer-release")
    assert OutboxEntry.objects.get(key="of-a-newer-release:1").state == OutboxState.PENDING


@pytest.mark.django_db
def test_a_lane_keeps_its_order_over_a_blip(receiver):
    for n in range(3):
        receiver.put(n)
    receiver.trouble = DeliveryError("Busy")
    assert outbox.deliver_lane(receiver.kind) == 1, "the lane rests, the others of it keep their tries"
    receiver.trouble = None
    make_due(receiver)
    outbox.deliver_lane(receiver.kind)
    assert receiver.arrived == [0, 1, 2]


@pytest.mark.django_db
def test_order_is_kept_until_a_receiver_that_is_away_is_back(receiver):
    for n in range(3):
        receiver.put(n)
    receiver.trouble = DeliveryError("Away")
    tried = []
    for _ in range(9):
        outbox.deliver_lane(receiver.kind)
        tried.append(list(receiver.entries.values_list("attempts", flat=True)))
        OutboxLane.objects.update(rests_until=None)
        receiver.entries.filter(attempts__lte=2).update(not_before=timezone.now() - timedelta(seconds=1))
    assert tried[2] == [3, 0, 0], "three tries for the first, within seconds"
    assert tried[3] == [3, 1, 0], "then one for the next: is it the receiver, or what it was sent?"
    assert tried[-1] == [8, 1, 0], "the receiver is away: nothing but the oldest is tried"
    receiver.trouble = None
    outbox.deliver_lane(receiver.kind)
    assert receiver.arrived == [0, 1, 2]


@pytest.mark.django_db
def test_what_alone_is_not_taken_steps_aside(receiver):
    def pick(payload):
        if payload["n"] == 0:
            raise DeliveryError("Not this one")
        receiver.arrived.append(payload["n"])

    outbox.handles(receiver.kind)(pick)
    for n in range(3):
        receiver.put(n)
    for _ in range(4):
        outbox.deliver_lane(receiver.kind)
        OutboxLane.objects.update(rests_until=None)
        receiver.entries.filter(attempts__lte=2).update(not_before=timezone.now() - timedelta(seconds=1))
    assert receiver.arrived == [1, 2]
    assert receiver.entries.get(state=OutboxState.PENDING).attempts == 3


@pytest.mark.django_db
def test_of_too_many_that_wait_the_oldest_are_given_up(receiver):
    lost = []
    outbox.handles(receiver.kind, gave_up=lambda payload, error: lost.append((payload["n"], error)), most_waiting=3)(
        lambda payload: receiver.arrived.append(payload["n"])
    )
    for n in range(7):
        receiver.put(n)
    outbox.deliver_lane(receiver.kind)
    assert receiver.arrived == [4, 5, 6]
    assert [n for n, _ in lost] == [0, 1, 2, 3]
    assert lost[0][1] == "Not sent: more than 3 were waiting for the same receiver"
    assert receiver.entries.filter(state=OutboxState.DEAD).count() == 4


@pytest.mark.django_db
def test_the_lanes_of_one_owner_do_not_hide_the_others(receiver):
    for n in range(5):
        outbox.put(receiver.kind, f"{receiver.kind}:{n}", {"n": n}, lane=f"{receiver.kind}-{n}", owner="many")
    outbox.put(receiver.kind, f"{receiver.kind}:one", {"n": 9}, lane=f"{receiver.kind}-9", owner="one")
    first = lanes.due_lanes(2)
    assert {each.owner for each in first} == {"many", "one"}


@pytest.mark.django_db(transaction=True)
def test_an_owner_of_many_hanging_receivers_gets_few_threads(receiver):
    let_go, hanging = threading.Event(), Receiver()
    at_work = []

    def hang(payload):
        at_work.append(payload["n"])
        let_go.wait(60)

    outbox.handles(hanging.kind)(hang)
    for n in range(40):
        outbox.put(hanging.kind, f"{hanging.kind}:{n}", {"n": n}, lane=f"{hanging.kind}-{n}", owner="hostile")
    for n in range(20):
        outbox.put(receiver.kind, f"{receiver.kind}:{n}", {"n": n}, lane=f"{receiver.kind}-{n}", owner=f"good-{n}")
    try:
        outbox.deliver_due()
        wait_until(lambda: len(receiver.arrived) == 20, what="the good ones")
        wait_until(lambda: len(at_work) == pool.PER_OWNER, what="the hanging ones")
    finally:
        let_go.set()
        assert outbox.wait_idle(30)
    assert sorted(at_work) == list(range(40))


def test_a_receiver_rests_longer_and_longer():
    rests = [lanes.rest_after(failures).total_seconds() for failures in range(1, 12)]
    assert rests == [5, 5, 5, 60, 120, 240, 480, 900, 900, 900, 900]
    assert lanes.rest_after(10_000) == lanes.LONGEST_REST


@pytest.mark.django_db
def test_a_resting_or_held_lane_is_not_due(receiver):
    receiver.put()
    assert receiver.kind in due()
    held = lanes.claim(receiver.kind)
    assert receiver.kind not in due()
    assert lanes.claim(receiver.kind) is None
    held.failed()
    held.release()
    assert receiver.kind not in due()
    assert lanes.due_lane(receiver.kind) is None


@pytest.mark.django_db
def test_a_lease_that_ran_out_is_taken_over_and_fences_its_first_holder(receiver):
    first = lanes.claim("somewhere")
    OutboxLane.objects.filter(name="somewhere").update(lease_expires_at=timezone.now() - timedelta(seconds=5))
    second = lanes.claim("somewhere")
    assert second.epoch > first.epoch
    assert not first.renew()
    first.failed()
    first.release()
    assert lanes.claim("somewhere") is None, "the ghost neither frees nor rests the lane"
    assert second.renew()


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_entry_once(receiver):
    for n in range(30):
        receiver.put(n, lane=f"{receiver.kind}-{n % 3}")
    start = threading.Barrier(4)

    def work():
        try:
            start.wait(20)
            for _ in range(4):
                for lane in range(3):
                    outbox.deliver_lane(f"{receiver.kind}-{lane}")
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(receiver.arrived) == list(range(30))
    for lane in range(3):
        assert [n for n in receiver.arrived if n % 3 == lane] == list(range(lane, 30, 3))


@pytest.mark.django_db(transaction=True)
def test_what_hangs_holds_up_nobody(receiver):
    let_go, hanging = threading.Event(), Receiver()
    outbox.handles(hanging.kind)(lambda payload: let_go.wait(60))
    for n in range(100):
        hanging.put(n)
    receiver.put()
    try:
        assert outbox.deliver_due() == 2
        wait_until(lambda: receiver.arrived, seconds=5, what="the good receiver")
        assert not hanging.entries.filter(state=OutboxState.SENT).exists()
    finally:
        let_go.set()
        assert outbox.wait_idle(30)
    assert not hanging.entries.filter(state=OutboxState.PENDING).exists()


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_rings_while_its_lane_is_busy_is_not_lost(receiver):
    busy, let_go = threading.Event(), threading.Event()

    def slow(payload):
        receiver.arrived.append(payload["n"])
        busy.set()
        let_go.wait(30)

    outbox.handles(receiver.kind)(slow)
    receiver.put(1)
    outbox.deliver(receiver.entries.get().pk)
    assert busy.wait(30)
    receiver.put(2)
    outbox.deliver(receiver.entries.last().pk)
    let_go.set()
    assert outbox.wait_idle(30)
    assert receiver.arrived == [1, 2]


@pytest.mark.django_db
def test_the_bell_of_an_entry_that_is_gone_is_harmless():
    outbox.deliver(999_999_999)
