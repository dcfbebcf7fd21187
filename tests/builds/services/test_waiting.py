"""Why a job waits, in one sentence, and when it will begin."""

from __future__ import annotations

import pytest

from builds.models.runner import Serves
from builds.services.forecast import Place, Queue, Running, Waiting
from builds.services.waiting import NOBODY, Why, why_each

ONE = Place(name="build-1", capacity=1)
TWO = Place(name="build-2", capacity=1)


def why(*waiting: Waiting, places=(ONE,), running=(), limit=20, **more) -> list[Why]:
    queue = Queue(places=places, running=running, waiting=waiting, limits={1: limit, 2: limit})
    found = why_each(queue, **{"halts": {}, "names": {1: "Shop", 2: "Elsewhere"}, **more})
    return [found[job.job_id] for job in waiting]


def job(number: int = 1, **fields) -> Waiting:
    return Waiting(job_id=number, **{"organization_id": 1, **fields})


def busy(seconds: float, owner: str = "build-1", organization: int = 2) -> Running:
    return Running(organization_id=organization, owner=owner, seconds_left=seconds)


@pytest.mark.parametrize(
    ("waiting", "more", "sentence"),
    [
        (job(), {"places": ()}, NOBODY),
        (job(), {"halts": {1: "All new work was halted: x"}}, "All new work was halted: x"),
        (job(labels="gpu"), {}, "It waits for a runner with the label gpu; none of those alive has it."),
        (
            job(labels=":fork"),
            {"places": (Place(name="t", capacity=1, serves=Serves.TRUSTED),)},
            "It is a change from a fork, and no runner that is alive takes those.",
        ),
        (
            job(),
            {"places": (Place(name="p", capacity=1, organization_id=2),)},
            "It waits for a runner: those that are alive work for others only.",
        ),
        (
            job(),
            {"places": (Place(name="p", capacity=1, closed="was paused by ada (New kernel)."),)},
            "It waits for a runner that can take it: p was paused by ada (New kernel).",
        ),
        (job(), {}, "A runner takes it in a moment."),
    ],
)
def test_the_first_reason_that_is_so(waiting, more, sentence):
    [found] = why(waiting, **more)
    assert found.reason == sentence


def test_a_job_that_broke_on_our_side_rests():
    [found] = why(job(rests=20.0, attempt=1))
    assert found == Why(reason="Its last attempt broke on our side; it is tried again in 20s.", seconds=20.0)


def test_all_places_are_taken_and_it_is_next():
    [found] = why(job(), running=[busy(40)])
    assert found == Why(reason="The only place of build-1 is taken. It is next: about 40 s.", seconds=40.0)


def test_who_stands_behind_others_is_told_how_many():
    found = why(*(job(number, seconds=60.0) for number in (1, 2, 3)), running=[busy(10)])
    assert [each.seconds for each in found] == [10.0, 70.0, 130.0]
    assert "One job goes before it: about 1 min." in found[1].reason
    assert "2 jobs go before it: about 2 min." in found[2].reason


def test_an_organisation_at_its_limit_waits_for_its_own():
    [found] = why(job(), running=[busy(30, organization=1)], places=(ONE, TWO), limit=1)
    assert found.reason.startswith("Shop runs 1 job, as many as it may at one time.")
    assert found.seconds == 30.0


def test_who_runs_least_goes_first_and_priority_before_that():
    running = [busy(10), busy(500, "build-2", 1)]
    mine, theirs = job(1, seconds=5.0), job(2, organization_id=2, seconds=5.0)
    assert [each.seconds for each in why(mine, theirs, places=(ONE, TWO), running=running)] == [15.0, 10.0]
    urgent = job(1, seconds=5.0, priority=1)
    assert [each.seconds for each in why(urgent, theirs, places=(ONE, TWO), running=running)] == [10.0, 15.0]


def test_where_nothing_is_known_no_time_is_told():
    [found] = why(job(), running=[busy(40)], is_guessed=True)
    assert found == Why(reason="The only place of build-1 is taken.", seconds=None)


def test_a_halted_job_is_told_no_time():
    [found] = why(job(), running=[busy(40)], halts={1: "New work of Shop was halted: x"})
    assert found == Why(reason="New work of Shop was halted: x", seconds=None)
