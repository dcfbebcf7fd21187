"""Measures how much there is to do and who does it, in queries that stay cheap however much there was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from builds.models import Build, Job, OutboxEntry, Project, Runner, WebhookDelivery
from builds.models.delivery import DeliveryOutcome
from builds.models.outbox import OutboxState
from builds.services.measure_lately import of_jobs, of_outbox
from builds.states import Status

Measure = Callable[[datetime], Iterator[Metric]]
"""Says what is so at a moment; each with a handful of queries."""

_of_later_apps: list[Measure] = []
_ROWS_LOOKED_AT = 5000
_LATELY = timedelta(hours=1)


def also(measure: Measure) -> None:
    """Have a later app's `measure` told too; registered in its `ready()`."""
    if measure not in _of_later_apps:
        _of_later_apps.append(measure)


def registry() -> CollectorRegistry:
    """What Prometheus is told now; the values are read when it is written out."""
    measures = CollectorRegistry(auto_describe=False)
    measures.register(_Measures())
    return measures


class _Measures(Collector):
    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from _queue(now)
        yield from _runners(now)
        total = Project.objects.aggregate(builds=Sum("last_build_number"))["builds"] or 0
        yield CounterMetricFamily("ciservice_builds", "Builds there ever were.", total)
        yield _builds(now)
        yield _deliveries(now)
        pending = OutboxEntry.objects.filter(state=OutboxState.PENDING).count()
        yield GaugeMetricFamily("ciservice_outbox_pending", "Messages and calls that have not left yet.", pending)
        for measure in (of_jobs, of_outbox, *_of_later_apps):
            yield from measure(now)


def _queue(now: datetime) -> Iterator[Metric]:
    waiting = Job.objects.filter(status=Status.QUEUED).aggregate(count=Count("id"), since=Min("created_at"))
    unplanned = Build.objects.filter(status=Status.QUEUED, planned_at=None).count()
    wait = (now - waiting["since"]).total_seconds() if waiting["since"] else 0.0
    yield GaugeMetricFamily("ciservice_jobs_queued", "Jobs that wait for a runner.", waiting["count"])
    yield GaugeMetricFamily("ciservice_queue_oldest_seconds", "How long the oldest of them has waited.", max(wait, 0.0))
    yield GaugeMetricFamily(
        "ciservice_jobs_running", "Jobs that run.", Job.objects.filter(status=Status.RUNNING).count()
    )
    yield GaugeMetricFamily("ciservice_builds_unplanned", "Builds whose configuration is not read yet.", unplanned)


def _runners(now: datetime) -> Iterator[Metric]:
    alive = Runner.objects.filter(seen_at__gt=now - timedelta(seconds=settings.LEASE_SECONDS))
    found = alive.aggregate(count=Count("id"), slots=Sum("capacity"))
    yield GaugeMetricFamily("ciservice_runners_alive", "Runners with a pulse.", found["count"])
    yield GaugeMetricFamily("ciservice_runner_slots", "Jobs they can run at one time.", found["slots"] or 0)
    hindered = alive.exclude(obstacle="").count()
    yield GaugeMetricFamily(
        "ciservice_runners_hindered", "Those that take no job now, for lack of disk, say.", hindered
    )


def _builds(now: datetime) -> Metric:
    metric = GaugeMetricFamily(
        "ciservice_builds_last_hour",
        f"Of the newest {_ROWS_LOOKED_AT} builds, those made in the last hour, by their state.",
        labels=["status"],
    )
    lately = Build.objects.filter(created_at__gt=now - _LATELY)
    return _by(metric, lately, "status", Status.values)


def _deliveries(now: datetime) -> Metric:
    metric = GaugeMetricFamily(
        "ciservice_deliveries_last_hour",
        f"Of the newest {_ROWS_LOOKED_AT} webhook deliveries, those of the last hour, by their outcome.",
        labels=["outcome"],
    )
    lately = WebhookDelivery.objects.filter(received_at__gt=now - _LATELY)
    return _by(metric, lately, "outcome", DeliveryOutcome.values)


def _by(metric: GaugeMetricFamily, rows: QuerySet[Any], column: str, all_of: list[str]) -> Metric:
    """Count the newest rows by the words in a column, and say 0 for the words that did not occur."""
    newest = rows.model.objects.order_by("-pk").values_list("pk", flat=True)[:1]
    above = (newest.first() or 0) - _ROWS_LOOKED_AT
    counts = dict(rows.filter(pk__gt=above).order_by().values_list(column).annotate(Count("pk")))
    for word in all_of:
        metric.add_metric([word], counts.get(word, 0))
    return metric
