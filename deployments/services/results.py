"""Keep what probes said last: a row a probe, of a stage or of a live environment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from builds.services.texts import storable
from deployments.models import Environment, ProbeResult, Stage
from deployments.services.probes import Result


def keep(owner: Stage | Environment, found: Mapping[int, Result], *, now: datetime) -> bool:
    """Write each result under the position of its probe; whether any is otherwise than the one before.

    In the transaction of the caller, who holds the environment: nobody else writes these rows.
    """
    before = {row.position: row for row in owner.probes.all()}
    of: dict[str, Stage | Environment] = {"stage" if isinstance(owner, Stage) else "environment": owner}
    is_news = False
    for position, result in found.items():
        row = before.get(position) or ProbeResult(position=position, **of)
        is_news |= row.pk is None or row.is_right != result.is_right
        _tell(row, result, now)
        row.save()
    return is_news


def _tell(row: ProbeResult, result: Result, now: datetime) -> None:
    row.url, row.at = storable(result.url), now
    row.is_right = result.is_right
    row.was_right = row.was_right or result.is_right
    row.failures = 0 if result.is_right else row.failures + 1
    row.tries += 1
    row.status, row.milliseconds = result.status, result.milliseconds
    row.reason, row.answer = storable(result.reason), storable(result.answer)
