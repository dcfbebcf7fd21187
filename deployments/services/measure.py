"""Measures deployments: how many stand where, and which of them want a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Q
from prometheus_client.core import GaugeMetricFamily, Metric

from deployments.models import Deployment, Environment, Health
from deployments.states import BUSY, PENDING, DeploymentStatus

_LATELY = timedelta(days=1)
_SHOWN = frozenset({*BUSY, *PENDING})


def measure(now: datetime) -> Iterator[Metric]:
    """Those on their way by state, those of the last day that failed, and live environments that are not well."""
    on_their_way = Deployment.objects.filter(status__in=_SHOWN).order_by().values_list("status").annotate(Count("pk"))
    counts = dict(on_their_way)
    metric = GaugeMetricFamily("ciservice_deployments", "Deployments on their way, by state.", labels=["status"])
    for status in sorted(_SHOWN):
        metric.add_metric([status], counts.get(status, 0))
    yield metric
    ended = Deployment.objects.filter(finished_at__gt=now - _LATELY).aggregate(
        failed=Count("pk", filter=Q(status=DeploymentStatus.FAILED)),
        taken_back=Count("pk", filter=Q(status=DeploymentStatus.ROLLED_BACK)),
    )
    yield GaugeMetricFamily("ciservice_deployments_failed_last_day", "Deployments that failed.", ended["failed"])
    yield GaugeMetricFamily(
        "ciservice_deployments_rolled_back_last_day", "… that were taken back.", ended["taken_back"]
    )
    unhealthy = Environment.objects.filter(health=Health.BAD).count()
    yield GaugeMetricFamily("ciservice_environments_unhealthy", "Live environments whose probes fail.", unhealthy)
