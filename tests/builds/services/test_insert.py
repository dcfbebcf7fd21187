"""Rows written many at a time are the rows that `bulk_create` writes."""

from __future__ import annotations

import pytest

from builds.models import Build, BuildMove
from builds.services.insert import insert
from builds.services.trigger import BuildRequest, new_build

pytestmark = pytest.mark.django_db


def builds(project, numbers: range) -> list[Build]:
    request = BuildRequest(
        ref="refs/heads/main", branch="main", commit="a" * 40, message="100 %s; DROP", pipelines=("a", "b")
    )
    return [new_build(project, request, number) for number in numbers]


def test_they_are_read_as_they_were_written(project):
    mine, theirs = builds(project, range(1, 4)), builds(project, range(11, 14))
    insert(mine)
    Build.objects.bulk_create(theirs)
    own = ("id", "uuid", "number", "created_at")
    rows = [{**row, **dict.fromkeys(own)} for row in Build.objects.order_by("number").values()]
    assert len(rows) == 6
    assert all(row == rows[0] for row in rows)
    assert rows[0]["only"] == ["a", "b"]


def test_each_has_its_own_key(project):
    made = builds(project, range(1, 101))
    insert(made)
    assert {build.pk: build.number for build in made} == dict(Build.objects.values_list("pk", "number"))
    assert not any(build._state.adding for build in made)
    insert([BuildMove(build=build, went_to="queued", who=str(build.number)) for build in made])
    assert all(move.who == str(move.build.number) for move in BuildMove.objects.select_related("build"))


def test_none_is_nothing():
    insert([])
