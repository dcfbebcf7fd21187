"""The queue's order: which lanes hold a job that may run now, best first. Reads only; `claim` takes.

A lane is one set of labels in one organisation. Both queries hop from lane to lane in the index `job_lanes` and look at
one row each, so that they cost the same however many jobs wait (a recursive query is SQL's way to say "skip ahead").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from builds.services.identity import RunnerIdentity
from builds.services.labels import satisfies

# The one order that the index has. Every look into the queue asks for it in full, so that no planner prefers the index
# of the foreign key and wades through jobs that ended long ago.
_ORDER = "ORDER BY labels, organization_id, priority DESC, not_before, id LIMIT 1"

_LABELS = """
WITH RECURSIVE lane(labels) AS (
  SELECT (SELECT labels FROM builds_job WHERE status = 'queued' {order})
  UNION ALL
  SELECT (SELECT labels FROM builds_job WHERE status = 'queued' AND labels > lane.labels {order})
  FROM lane WHERE lane.labels IS NOT NULL)
SELECT labels FROM lane WHERE labels IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM builds_runner WHERE name = %s
    AND (paused_at IS NOT NULL OR drain_at IS NOT NULL OR revoked_at IS NOT NULL))
"""

_HEADS = """
WITH RECURSIVE lane(labels, organization_id) AS (
  SELECT accepted.labels, (SELECT organization_id FROM builds_job
                           WHERE status = 'queued' AND labels = accepted.labels {order})
  FROM ({accepted}) AS accepted
  UNION ALL
  SELECT lane.labels, (SELECT organization_id FROM builds_job WHERE status = 'queued' AND labels = lane.labels
                         AND organization_id > lane.organization_id {order})
  FROM lane WHERE lane.organization_id IS NOT NULL),
head AS (
  SELECT labels, organization_id,
    (SELECT priority FROM builds_job WHERE status = 'queued' AND labels = lane.labels
       AND organization_id = lane.organization_id AND not_before <= {now} {order}) AS priority,
    (SELECT not_before FROM builds_job WHERE status = 'queued' AND labels = lane.labels
       AND organization_id = lane.organization_id AND not_before <= {now} {order}) AS not_before
  FROM lane WHERE lane.organization_id IS NOT NULL),
busy AS (SELECT organization_id, count(*) AS jobs FROM builds_job WHERE status = 'running' GROUP BY organization_id)
SELECT head.organization_id, head.labels
FROM head
JOIN accounts_organization organization ON organization.id = head.organization_id
LEFT JOIN busy ON busy.organization_id = head.organization_id
WHERE head.not_before IS NOT NULL AND coalesce(busy.jobs, 0) < organization.concurrency
  AND NOT EXISTS (SELECT 1 FROM builds_halt halt WHERE halt.ended_at IS NULL
                    AND (halt.organization_id IS NULL OR halt.organization_id = head.organization_id)){only}
ORDER BY head.priority DESC, coalesce(busy.jobs, 0), head.not_before, head.organization_id
LIMIT {limit}
"""

_NOW = {"sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"}
_MOST_LABEL_SETS = 200
_MOST_LANES = 20


@dataclass(frozen=True)
class Lane:
    """Where a job waits: one set of labels in one organisation."""

    organization_id: int
    labels: str


def open_lanes(runner: RunnerIdentity) -> list[Lane]:
    """Lanes that this runner may take from, best first: the highest priority, then the organisation with the fewest
    running jobs, then who has waited longest. Organisations at their limit or halted are left out; a runner that is
    paused, drains or was revoked has none.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LABELS.format(order=_ORDER), [runner.name])
        wanted = [text for (text,) in cursor.fetchall() if satisfies(runner.labels, text, serves=runner.serves)]
        accepted = wanted[:_MOST_LABEL_SETS]
        if not accepted:
            return []
        pool = runner.organization
        own = [] if pool is None else [_stored(pool)]
        cursor.execute(heads_query(len(accepted), is_pool=pool is not None), [*accepted, *own])
        return [Lane(organization_id, wanted) for organization_id, wanted in cursor.fetchall()]


def heads_query(label_sets: int, *, is_pool: bool = False) -> str:
    """The text of the query for so many sets of labels; its parameters are these sets, and for a pool the uuid of the
    one organisation that it serves.
    """
    accepted = " UNION ALL ".join(["SELECT CAST(%s AS varchar(500)) AS labels"] * label_sets)
    now = _NOW.get(connection.vendor, "statement_timestamp()")
    only = "\n  AND organization.uuid = %s" if is_pool else ""
    return _HEADS.format(accepted=accepted, now=now, order=_ORDER, limit=_MOST_LANES, only=only)


def _stored(uuid: UUID) -> Any:
    return Organization._meta.get_field("uuid").get_db_prep_value(uuid, connection)
