"""Measures what became of the last hour's jobs: how long they waited, how long they ran, and how many were lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from prometheus_client.core import GaugeMetricFamily, Metric

from builds.models import Job, OutboxEntry
from builds.models.outbox import OutboxState
from builds.states import FINAL, Status

_JOBS_LOOKED_AT = 1000
_LATELY = timedelta(hours=1)
_QUANTILES = (0.5, 0.95, 0.99)


def of_jobs(now: datetime) -> Iterator[Metric]:
    """Of the newest 1,000 jobs, those that ended in the last hour; seconds. Nothing is said of times where none did."""
    ended = Job.objects.order_by("-pk").values_list("not_before", "started_at", "finished_at", "attempt", "status")
    rows = [row for row in ended[:_JOBS_LOOKED_AT] if row[4] in FINAL and row[2] and row[2] > now - _LATELY]
    waits = [(started - queued).total_seconds() for queued, started, *_ in rows if started]
    runs = [(finished - started).total_seconds() for _, started, finished, *_ in rows if started and finished]
    yield _quantiles("ciservice_job_wait_seconds", "How long jobs waited for a runner, last hour.", waits)
    yield _quantiles("ciservice_job_run_seconds", "How long jobs ran, last hour.", runs)
    lost = sum(max(attempt - 1, 0) for *_, attempt, _ in rows)
    yield GaugeMetricFamily("ciservice_jobs_ended_last_hour", "Jobs that ended in the last hour.", len(rows))
    yield GaugeMetricFamily(
        "ciservice_attempts_lost_last_hour", "Attempts at these jobs that runners lost or could not begin.", lost
    )
    errored = sum(status == Status.ERRORED for *_, status in rows)
    yield GaugeMetricFamily("ciservice_jobs_errored_last_hour", "Jobs that ended in an error of ours.", errored)


def of_outbox(now: datetime) -> Iterator[Metric]:
    """What waits to leave the house, for how long past its moment, and what was given up."""
    pending = OutboxEntry.objects.filter(state=OutboxState.PENDING)
    late = Min("not_before", filter=Q(not_before__lte=now))
    kinds = pending.order_by().values("kind").annotate(count=Count("pk"), since=late)
    waiting = GaugeMetricFamily(
        "ciservice_outbox_waiting", "Messages and calls that have not left, by kind.", labels=["kind"]
    )
    lag = GaugeMetricFamily(
        "ciservice_outbox_lag_seconds", "How long the oldest of them could have gone already.", labels=["kind"]
    )
    for kind, count, since in kinds.values_list("kind", "count", "since"):
        waiting.add_metric([kind], count)
        lag.add_metric([kind], (now - since).total_seconds() if since else 0.0)
    dead = OutboxEntry.objects.filter(state=OutboxState.DEAD, created_at__gt=now - timedelta(days=1)).count()
    yield waiting
    yield lag
    yield GaugeMetricFamily("ciservice_outbox_dead_last_day", "Those of the last day that were given up.", dead)


def _quantiles(name: str, text: str, seconds: Sequence[float]) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=["quantile"])
    ordered = sorted(max(value, 0.0) for value in seconds)
    for quantile in _QUANTILES if ordered else ():
        metric.add_metric([str(quantile)], ordered[min(int(quantile * len(ordered)), len(ordered) - 1)])
    return metric
