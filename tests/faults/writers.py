"""Four processes that write to one SQLite file as hard as they can: pushes, claims, heartbeats, ends, sweeps.

python -m tests.faults.writers <seconds>    exits with 1 where any of them saw an error; prints how much was done
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback

import django

WRITERS = 4


def main(seconds: float) -> int:
    """Migrate, write, look at the rows."""
    django.setup(set_prefix=False)
    from django.core.management import call_command
    from django.db import connections

    from accounts.models import Organization
    from builds.invariants import check_invariants
    from builds.models import Job, Project
    from builds.states import FINAL

    call_command("migrate", verbosity=0)
    team = Organization.objects.create(name="Shop", slug="shop", concurrency=100)
    for number in range(WRITERS):
        Project.objects.create(organization=team, name=f"p{number}", repository_url="https://x.example/a")
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_alone, args=(number, seconds)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(seconds + 60)
    twice = [job.pk for job in Job.objects.all() if sum(move.went_to in FINAL for move in job.moves.all()) > 1]
    print(f"{Job.objects.count()} jobs, {Job.objects.filter(status='passed').count()} passed")
    wrong = [*check_invariants(), *(f"job {pk} ended twice" for pk in twice)]
    print("\n".join(wrong))
    return int(bool(wrong) or any(writer.exitcode != 0 for writer in writers))


def _alone(number: int, seconds: float) -> None:
    try:
        _write(number, time.monotonic() + seconds)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _write(number: int, end: float) -> None:
    from builds.models import Project
    from builds.services.claim import RunnerIdentity, claim
    from builds.services.finish import finish
    from builds.services.heartbeat import heartbeat
    from builds.services.reap import reap
    from builds.services.trigger import BuildRequest, trigger
    from runners.contract import JobResult, Outcome
    from tests.builds.queue import add_job

    project, runner = Project.objects.get(name=f"p{number}"), RunnerIdentity(name=f"writer-{number}")
    while time.monotonic() < end:
        build = trigger(project, BuildRequest(ref="refs/heads/a", branch="a", commit="a" * 40), who="ada")
        add_job(build), add_job(build)
        for _ in range(2):
            if taken := claim(runner):
                heartbeat([taken])
                assert finish(taken, JobResult(outcome=Outcome.PASSED)), "lost a job that nobody may have taken"
        reap()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
