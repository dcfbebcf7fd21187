"""The cost of a claim does not grow with the queue."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from builds.models import Build, Job, Project
from builds.services.claim import RunnerIdentity, claim
from builds.services.heartbeat import heartbeat
from builds.services.lanes import heads_query, open_lanes
from builds.states import Status
from tests.builds.queue import add_job

_UUID = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}
WAITING = 10_000
postgres_only = pytest.mark.skipif(
    "sqlite" in str(connection.settings_dict["ENGINE"]), reason="reads PostgreSQL's own plan of a query"
)


@pytest.fixture
def fill(db):
    """Fills the queue with so many jobs of so many organisations, every third of which wants a GPU."""

    def make(organizations: int, jobs: int) -> None:
        teams = Organization.objects.bulk_create(
            [Organization(name=f"o{number}", slug=f"o{number}", concurrency=20) for number in range(organizations)]
        )
        projects = Project.objects.bulk_create([Project(organization=team, name="api") for team in teams])
        builds = Build.objects.bulk_create([Build(project=project, number=1, branch="main") for project in projects])
        for build in builds:
            add_job(build)
            add_job(build, labels=("gpu",))
        copies = jobs // (2 * organizations) - 1
        columns = [field.column for field in Job._meta.local_concrete_fields if field.column not in {"id", "uuid"}]
        listed = ", ".join(columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO builds_job (uuid, {listed}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                f" WHERE i < %s) SELECT {_UUID[connection.vendor]}, {listed} FROM builds_job CROSS JOIN n",
                [copies],
            )
            # As many again that ended long ago.
            status = "'passed'"
            ended = listed.replace("status", status, 1)
            cursor.execute(
                f"INSERT INTO builds_job (uuid, {listed}) SELECT {_UUID[connection.vendor]}, {ended} FROM builds_job"
            )
            cursor.execute("ANALYZE")

    return make


def rows_read(sql: str, parameters: list[object]) -> int:
    """How many rows every part of PostgreSQL's plan touched, those it threw away included."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        answer = cursor.fetchone()[0]
    plan = (answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"]
    total, nodes = 0, [plan]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if "Scan" in node["Node Type"] and "CTE" not in node["Node Type"] and "WorkTable" not in node["Node Type"]:
            total += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return total


@postgres_only
@pytest.mark.parametrize(("organizations", "most"), [(1, 60), (100, 1500), (1000, 15_000)])
def test_finding_the_best_lane_reads_heads_and_not_the_queue(fill, organizations, most):
    fill(organizations, WAITING)
    assert rows_read(heads_query(2), ["", "gpu"]) < most


@postgres_only
def test_taking_the_head_reads_one_row_of_the_lane(fill):
    fill(1, WAITING)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert claim(RunnerIdentity(name="r"))
    taking = next(
        query["sql"] for query in captured if "SKIP LOCKED" in query["sql"] and '"builds_job"' in query["sql"]
    )
    assert rows_read(taking, []) < 20


@pytest.mark.parametrize("organizations", [1, 1000])
def test_a_claim_and_a_heartbeat_take_as_many_queries_as_ever(fill, organizations, django_assert_max_num_queries):
    fill(organizations, WAITING)
    with django_assert_max_num_queries(25):
        taken = claim(RunnerIdentity(name="r"))
    with django_assert_max_num_queries(6):
        assert heartbeat([taken]).renewed == {taken.job_id}


def test_lanes_are_told_apart_and_best_first(fill):
    fill(3, 60)
    plain = RunnerIdentity(name="plain")
    assert {lane.labels for lane in open_lanes(plain)} == {""}
    assert {lane.labels for lane in open_lanes(RunnerIdentity(name="r", labels=frozenset({"gpu"})))} == {"", "gpu"}
    teams = set(Organization.objects.values_list("pk", flat=True))
    for _ in range(2):
        claim(RunnerIdentity(name="r"))
    busy = set(Job.objects.filter(status=Status.RUNNING).values_list("organization", flat=True))
    assert len(busy) == 2
    assert open_lanes(plain)[0].organization_id == (teams - busy).pop()
