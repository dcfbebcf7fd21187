"""S23: a hook may send so much and no more; who cannot sign uses up nothing of those who can."""

import pytest

from builds.models import Build, WebhookDelivery
from builds.webhooks import rate
from builds.webhooks.rate import Limit
from tests.builds.webhooks.payloads import A, B, push


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limit(clock):
    return Limit(clock)


def test_ten_minutes_worth_at_once_and_then_so_many_a_minute(limit, clock):
    assert [limit.take("h", a_minute=60) for _ in range(600)] == [None] * 600
    excess = limit.take("h", a_minute=60)
    assert (excess.wait_seconds, excess.is_first) == (2, True)
    assert not limit.take("h", a_minute=60).is_first
    clock.now += 60
    assert [limit.take("h", a_minute=60) for _ in range(60)] == [None] * 60
    assert limit.take("h", a_minute=60).is_first


def test_rest_fills_it_and_no_more(limit, clock):
    limit.take("h", a_minute=1)
    clock.now += 10**6
    assert [bool(limit.take("h", a_minute=1)) for _ in range(12)] == [False] * 10 + [True] * 2


def test_hooks_do_not_disturb_each_other(limit):
    for _ in range(11):
        limit.take("one", a_minute=1)
    assert limit.take("one", a_minute=1)
    assert limit.take("other", a_minute=1) is None


def test_without_a_limit_nothing_is_counted(limit):
    assert not any(limit.take("h", a_minute=0) for _ in range(10_000))


def test_who_was_silent_for_longest_is_forgotten_first(limit, monkeypatch):
    monkeypatch.setattr(rate, "MOST_HOOKS", 2)
    for _ in range(10):
        limit.take("busy", a_minute=1)
    for other in ("a", "b"):
        limit.take(other, a_minute=1)
    assert limit.take("busy", a_minute=1) is None, "forgotten: it begins anew"


class TestTheDoor:
    """As a git host meets it."""

    @pytest.fixture(autouse=True)
    def _few(self, settings):
        settings.WEBHOOKS_A_MINUTE = 1  # and ten at once

    def flood(self, send, **how):
        return [send(push(ref=f"refs/heads/b{number}"), **how) for number in range(13)]

    def test_too_many_are_told_when_to_come_again(self, send):
        answers = self.flood(send)
        assert [answer.status_code for answer in answers] == [202] * 10 + [429] * 3
        assert 50 <= int(answers[-1]["Retry-After"]) <= 61
        assert Build.objects.count() == 10

    def test_one_row_tells_of_it(self, send):
        self.flood(send)
        row = WebhookDelivery.objects.get(outcome="refused")
        assert row.reason.startswith("Too many deliveries: 1 a minute")

    def test_who_cannot_sign_uses_up_nothing_of_those_who_can(self, send):
        assert [answer.status_code for answer in self.flood(send, secret="wrong")] == [403] * 10 + [429] * 3
        assert send(push(A, B)).status_code == 202

    def test_it_needs_no_redis(self, send, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        assert send(push(A, B)).status_code == 202

    def test_it_asks_the_database_nothing(self, send, settings, django_assert_max_num_queries):
        settings.WEBHOOKS_A_MINUTE = 0
        send(push(ref="refs/heads/warm"))
        with django_assert_max_num_queries(60) as without:
            send(push(ref="refs/heads/one"))
        settings.WEBHOOKS_A_MINUTE = 60
        with django_assert_max_num_queries(60) as with_limit:
            send(push(ref="refs/heads/two"))
        assert len(with_limit) == len(without)
