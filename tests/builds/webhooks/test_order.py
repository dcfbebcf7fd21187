"""F14: the same six events in every order, each told twice, come to the same builds."""

from itertools import permutations

import pytest

from builds.models import Build, WebhookDelivery
from builds.services.receive import receive
from builds.webhooks import github
from tests.builds.webhooks.conftest import ZEROS, A, B, C, push

EVENTS = [
    ("push", push(ZEROS, A)),
    ("push", push(A, B)),
    ("push", push(B, C)),
    ("push", push(ZEROS, B, ref="refs/heads/feature")),
    ("push", push(B, ZEROS, ref="refs/heads/feature")),
    ("pull_request", {"action": "closed", "number": 7, "pull_request": {}}),
]


# A fifth of all 720 orders, spread over them: each takes a dozen round trips to the database.
@pytest.mark.parametrize("order", list(permutations(range(len(EVENTS))))[::5], ids=str)
def test_every_order_comes_to_the_same(project, order):
    for number in [*order, *order]:
        event, payload = EVENTS[number]
        receive(project, github.read(event, payload), delivery_id=f"d-{number}")
    assert set(Build.objects.values_list("branch", "commit")) == {
        ("main", A),
        ("main", B),
        ("main", C),
        ("feature", B),
    }
    assert Build.objects.count() == 4
    assert WebhookDelivery.objects.filter(outcome="duplicate").count() == len(EVENTS)
