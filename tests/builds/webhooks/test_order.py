"""F14 and S2: the same events in every order, each told again and again, come to the same builds, for every host."""

from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builds.models import Build, PullRequest, WebhookDelivery
from builds.models.connection import Provider
from builds.services.incomings import incomings_of
from builds.services.receive import receive
from builds.states import Status
from builds.webhooks.hosts import HOSTS
from tests.builds.webhooks.payloads import SENDERS, WITH_PROPOSALS, ZEROS, A, B, C, Proposed, as_sent, push

PUSHES = [
    push(ZEROS, A),
    push(A, B),
    push(B, C),
    push(ZEROS, B, ref="refs/heads/feature"),
    push(B, ZEROS, ref="refs/heads/feature"),
    push(ZEROS, C, ref="refs/tags/v1"),
]
BUILDS = {("main", A), ("main", B), ("main", C), ("feature", B), ("v1", C)}


def tell(project, event: str, payload: dict, delivery: str) -> list[WebhookDelivery]:
    told = HOSTS[Provider(project.provider)].read(event, payload)
    return receive(project, *incomings_of(told, project), delivery_id=delivery)


# A ninth of all 720 orders, spread over them, for one host; the others have theirs from hypothesis.
@pytest.mark.parametrize("order", list(permutations(range(len(PUSHES))))[::9], ids=str)
def test_every_order_comes_to_the_same(project, order):
    project.provider = Provider.GITHUB
    for number in [*order, *order]:
        tell(project, *as_sent("github", PUSHES[number]), f"d-{number}")
    assert set(Build.objects.values_list("branch", "commit")) == BUILDS
    assert Build.objects.count() == len(BUILDS)
    assert WebhookDelivery.objects.filter(outcome="duplicate").count() == len(PUSHES)


@pytest.mark.parametrize("host", list(SENDERS))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_orders_and_repeats_of_every_host(project, host, data):
    """Told again under its own id or another's, in any order: what is built is the same."""
    Build.objects.all().delete()
    WebhookDelivery.objects.all().delete()
    project.provider = Provider(host)
    order = data.draw(st.permutations(range(len(PUSHES))))
    again = data.draw(st.lists(st.tuples(st.sampled_from(order), st.booleans()), max_size=6))
    for number in order:
        tell(project, *as_sent(host, PUSHES[number]), f"d-{number}")
        for place, (repeated, has_own_id) in enumerate(again):
            if repeated == number:
                tell(project, *as_sent(host, PUSHES[number]), f"d-{number}" if has_own_id else f"e-{number}-{place}")
    assert set(Build.objects.values_list("branch", "commit")) == BUILDS
    assert Build.objects.count() == len(BUILDS)


EVENTS = [
    Proposed(what="opened", commit=A, at="2026-11-24T12:00:00Z"),
    Proposed(what="moved", commit=B, at="2026-11-24T12:01:00Z"),
    Proposed(what="retitled", commit=B, at="2026-11-24T12:02:00Z"),
    Proposed(what="moved", commit=C, at="2026-11-24T12:03:00Z"),
    Proposed(what="closed", commit=C, at="2026-11-24T12:04:00Z"),
]


@pytest.mark.parametrize("host", WITH_PROPOSALS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_closed_pull_request_leaves_nothing_that_waits(project, host, data):
    """Whatever order its words came in: the last word by the host's clock holds."""
    for model in (Build, WebhookDelivery, PullRequest):
        model.objects.all().delete()
    project.provider, project.repository_url = Provider(host), "git@bitbucket.org:shop/api.git"
    numbers = data.draw(st.lists(st.sampled_from(range(len(EVENTS))), min_size=5, max_size=9))
    numbers = list(dict.fromkeys([*numbers, *range(len(EVENTS))])) + numbers
    for place, number in enumerate(numbers):
        event, payload = SENDERS[host].proposal(EVENTS[number])
        tell(project, event, payload, f"d-{place}")
    assert not Build.objects.unfinished().exists()
    assert not PullRequest.objects.get().is_open
    assert set(Build.objects.values_list("status", flat=True)) <= {Status.CANCELLED}


@pytest.mark.parametrize("host", WITH_PROPOSALS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)), again=st.booleans())
def test_of_an_open_one_the_newest_commit_alone_waits(project, host, order, again):
    for model in (Build, WebhookDelivery, PullRequest):
        model.objects.all().delete()
    project.provider, project.repository_url = Provider(host), "git@bitbucket.org:shop/api.git"
    for place, number in enumerate([*order, *order] if again else order):
        event, payload = SENDERS[host].proposal(EVENTS[number])
        tell(project, event, payload, f"d-{place}")
    waiting = Build.objects.unfinished().get()
    assert waiting.is_held
    assert C.startswith(waiting.commit)
