"""Deliveries that come at the same moment, on the real database."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from builds.models import Build, Project, WebhookDelivery
from builds.webhooks.signature import sign
from tests.builds.webhooks.conftest import A, B, push

TIMES = 20


def post_at_once(project: Project, deliveries: list[str], payloads: list[dict]) -> list[dict]:
    """Post all of them from threads that start together; returns the answers."""
    together = Barrier(len(payloads))
    door = Client().handler
    door.load_middleware()

    def post(delivery, payload):
        body = json.dumps(payload).encode()
        headers = {"X-Ciservice-Signature": sign(project.hook_secret, body), "X-Ciservice-Delivery": delivery}
        client = Client()
        client.handler = door
        together.wait(timeout=30)
        try:
            response = client.post(
                f"/hooks/generic/{project.uuid}", body, content_type="application/json", headers=headers
            )
            assert response.status_code == 202
            return response.json()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(payloads)) as threads:
        return list(threads.map(post, deliveries, payloads))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ids", ["one id", "ids of their own"])
def test_twenty_equal_deliveries_are_one_build(project, ids):
    deliveries = ["d-1"] * TIMES if ids == "one id" else [f"d-{number}" for number in range(TIMES)]
    answers = post_at_once(project, deliveries, [push(A, B)] * TIMES)
    assert Build.objects.count() == 1
    assert {answer["build"]["number"] for answer in answers} == {1}
    assert sorted(answer["duplicate"] for answer in answers) == [False] + [True] * (TIMES - 1)
    assert WebhookDelivery.objects.filter(outcome="built").count() == 1
    assert WebhookDelivery.objects.filter(outcome="duplicate").count() == TIMES - 1


@pytest.mark.django_db(transaction=True)
def test_twenty_branches_pushed_at_once_are_twenty_builds(project):
    payloads = [push(A, B, ref=f"refs/heads/b{number}") for number in range(TIMES)]
    answers = post_at_once(project, [f"d-{number}" for number in range(TIMES)], payloads)
    assert sorted(answer["build"]["number"] for answer in answers) == list(range(1, TIMES + 1))
