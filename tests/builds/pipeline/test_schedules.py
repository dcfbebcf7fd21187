"""`schedule` of ciservice.yml, and the moments it comes to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, PlanContext, SchedulePlan
from builds.pipeline.schedules import next_moment

STEPS = "pipelines: {test: {steps: [a]}, nightly: {steps: [b]}}\ndeployments: {live: {branch: main, steps: [c]}}\n"


def planned(text, **context):
    return make({"ciservice.yml": STEPS + text}, PlanContext(branch="main", commit="0" * 40, **context))


def test_one_or_several():
    text = 'schedule: {cron: "30  3 * * 1-5", zone: Europe/Vienna, branch: next, pipelines: nightly}'
    assert planned(text).schedules == (
        SchedulePlan(cron="30 3 * * 1-5", zone="Europe/Vienna", branch="next", pipelines=("nightly",)),
    )
    assert [one.cron for one in planned('schedule: [{cron: "@daily"}, {cron: "0 9 * * MON#1"}]').schedules] == [
        "@daily",
        "0 9 * * MON#1",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("schedule: daily", "ciservice.yml:3:11: a schedule needs a map with `cron`"),
        ("schedule: {}", "needs `cron`"),
        ('schedule: {cron: "1 2 3"}', "minute, hour, day, month and weekday"),
        ('schedule: {cron: "99 * * * *"}', "Bad minute"),
        ('schedule: {cron: "0 0 30 2 *"}', "Bad day-of-month"),
        ('schedule: {cron: "@daily", zone: Europe/Viena}', "did you mean `Europe/Vienna`?"),
        ('schedule: {cron: "@daily", zone: ../../etc/passwd}', "does not exist"),
        ('schedule: {cron: "@daily", pipelines: [nightli]}', "did you mean `nightly`?"),
        ('schedule: {cron: "@daily", when: now}', "unknown key `when`"),
        (f'schedule: {{cron: "{"1," * 5000}1 * * * *"}}', "needs `cron`"),
    ],
)
def test_what_cannot_be_is_said(text, problem):
    with pytest.raises(ConfigError) as caught:
        planned(text)
    assert problem in str(caught.value)


def test_only_the_pipelines_that_were_asked_for():
    plan = planned("", only=("nightly",))
    assert ([one.name for one in plan.pipelines], plan.deployments) == (["nightly"], ())


@pytest.mark.parametrize(
    ("after", "moments"),
    [
        # In the night to summer time half past two does not exist: it runs when the clock goes on.
        (
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)],
        ),
        # In the night to winter time it exists twice: it runs once.
        (
            datetime(2026, 10, 24, 12, tzinfo=UTC),
            [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)],
        ),
    ],
)
def test_changes_of_the_clock(after, moments):
    found = next_moment("30 2 * * *", "Europe/Vienna", after)
    assert found is not None
    assert [found, next_moment("30 2 * * *", "Europe/Vienna", found)] == moments


def test_the_next_is_always_later():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert next_moment("0 0 * * *", "UTC", now) == datetime(2026, 1, 2, tzinfo=UTC)
