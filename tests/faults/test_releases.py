"""F34: this release on the next one's schema, which only adds: columns that it does not know change nothing."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from tests.builds.queue import add_job
from tests.faults.harness import until_ended, until_printing

NEW = ("from_tomorrow varchar(20) NULL", "counted_tomorrow integer NOT NULL DEFAULT 7")


@pytest.fixture
def tomorrow(transactional_db):
    """Every table of ours with a column that may be empty, and one that has a default."""
    ours = ("accounts", "builds", "deployments", "notifications")
    tables = [model._meta.db_table for label in ours for model in apps.get_app_config(label).get_models()]
    _alter(tables, [f"ADD COLUMN {column}" for column in NEW])
    yield tables
    _alter(tables, [f"DROP COLUMN {column.split()[0]}" for column in NEW])


def _alter(tables: list[str], changes: list[str]) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            for change in changes:
                cursor.execute(f'ALTER TABLE "{table}" {change}')


def test_processes_of_today_run_on_the_schema_of_tomorrow(tomorrow, house, project, push, reader):
    commit = push().commit
    house.worker()
    house.beat()
    house.runner()
    request = BuildRequest(ref="refs/heads/main", branch="main", commit=commit)
    build = trigger(project, request, who="ada")
    assert until_ended(build).status == Status.PASSED
    step = build.jobs.get(name="test").steps.get()
    assert b"hello" in reader.log(step)


def test_a_schema_that_changes_under_running_processes(house, make_build, request):
    """Connections that were open before the migration go on with it."""
    house.runner()
    build = make_build()
    job = add_job(build, "sleep 2", "print done")
    until_printing(job)
    request.getfixturevalue("tomorrow")
    later = make_build()
    add_job(later)
    assert {until_ended(one).status for one in (build, later)} == {Status.PASSED}
