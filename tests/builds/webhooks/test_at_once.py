"""Deliveries that come at the same moment, at a real web process with the tests' database."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.conf import settings
from django.db import connection, transaction

from builds.models import Build, Project, WebhookDelivery
from builds.services.create_project import create_project
from builds.webhooks.signature import sign
from tests.builds.webhooks.payloads import A, B, push
from tests.faults.harness import House
from tests.live.instance import free_port
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 20
CROWD = 70  # more than the web process has threads, and than one batch holds


@pytest.fixture
def web(tmp_path):
    """The address of a real web process on the tests' database, with a Redis of its own."""
    house, port = House(tmp_path), free_port()
    try:
        house.web(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        house.close()
        print(house.logs())


def post(web: str, project: Project, delivery: str, payload: dict) -> dict:
    """The answer to one delivery, which is accepted."""
    body = json.dumps(payload).encode()
    headers = {
        "X-Ciservice-Signature": sign(project.hook_secret, body),
        "X-Ciservice-Delivery": delivery,
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(f"{web}/hooks/generic/{project.uuid}", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202
        assert answer.headers["X-Frame-Options"] == "DENY"
        return json.load(answer)


def post_at_once(web: str, project: Project, deliveries: list[str], payloads: list[dict]) -> list[dict]:
    """Post all of them from threads that start together; returns the answers."""
    together = Barrier(len(payloads))

    def send(delivery, payload):
        together.wait(timeout=30)
        return post(web, project, delivery, payload)

    with ThreadPoolExecutor(len(payloads)) as threads:
        return list(threads.map(send, deliveries, payloads))


@pytest.mark.parametrize("ids", ["one id", "ids of their own"])
def test_twenty_equal_deliveries_are_one_build(web, project, ids):
    deliveries = ["d-1"] * TIMES if ids == "one id" else [f"d-{number}" for number in range(TIMES)]
    answers = post_at_once(web, project, deliveries, [push(A, B)] * TIMES)
    assert Build.objects.count() == 1
    assert {answer["build"]["number"] for answer in answers} == {1}
    assert sorted(answer["duplicate"] for answer in answers) == [False] + [True] * (TIMES - 1)
    assert WebhookDelivery.objects.filter(outcome="built").count() == 1
    assert WebhookDelivery.objects.filter(outcome="duplicate").count() == TIMES - 1


def test_many_branches_pushed_at_once_are_as_many_builds(web, project):
    payloads = [push(A, B, ref=f"refs/heads/b{number}") for number in range(CROWD)]
    answers = post_at_once(web, project, [f"d-{number}" for number in range(CROWD)], payloads)
    assert sorted(answer["build"]["number"] for answer in answers) == list(range(1, CROWD + 1))
    told = {answer["build"]["uuid"]: answer["build"]["number"] for answer in answers}
    assert told == {str(uuid): number for uuid, number in Build.objects.values_list("uuid", "number")}


@pytest.mark.skipif("sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite locks no rows")
def test_who_keeps_a_project_locked_holds_up_its_own_pushes_only(web, project, organization, owner):
    other = create_project(organization, name="shop/other", repository_url="https://git.example.com/o.git", who=owner)
    locked, go = Event(), Event()

    def keep():
        try:
            with transaction.atomic():
                Project.objects.select_for_update().get(pk=project.pk)
                locked.set()
                assert go.wait(30)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        kept = threads.submit(keep)
        try:
            assert locked.wait(30)
            held = [threads.submit(post, web, project, f"d-{n}", push(A, B, ref=f"refs/heads/{n}")) for n in range(3)]
            wait_until(_somebody_waits, what="the pushes to wait for the row")
            answers = [post(web, other, f"d-{number}", push(A, B, ref=f"refs/heads/{number}")) for number in range(3)]
            assert not any(promise.done() for promise in held), "and nobody was answered before the commit"
        finally:
            go.set()
        kept.result(30)
        assert sorted(promise.result(30)["build"]["number"] for promise in held) == [1, 2, 3]
    assert [answer["build"]["number"] for answer in answers] == [1, 2, 3]


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return cursor.fetchone()[0] > 0
