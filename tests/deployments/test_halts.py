"""While work is halted no release begins and none goes on to its next stage; afterwards both do."""

from __future__ import annotations

import pytest

from builds.pipeline.delivery import Rollout
from builds.services.halt import halt, resume
from deployments.services.sweep import sweep
from tests.deployments.conftest import deployment_jobs, environment_plan, of

pytestmark = pytest.mark.django_db

CANARY = environment_plan("staging", branch="main", applies=True, rollout=Rollout(percents=(10.0,)))


@pytest.fixture(params=["organisation", "instance"])
def switch(request, organization):
    """What is halted."""
    return organization if request.param == "organisation" else None


def test_none_begins(release, owner, commits, switch):
    halt(switch, user=owner, reason="Registry compromised")
    its = of(release(CANARY), "staging")
    with commits():
        sweep()
    assert deployment_jobs() == 0
    with commits():
        resume(switch, user=owner)
        sweep()
    its.refresh_from_db()
    assert (its.status, deployment_jobs()) == ("rolling_out", 1)


def test_none_goes_on_to_its_next_stage(release, end, owner, commits, switch):
    its = of(release(CANARY), "staging")
    halt(switch, user=owner, reason="Registry compromised")
    assert end(its).status == "rolling_out", "what runs ends as it would"
    with commits():
        sweep()
    assert its.stages.count() == 1
    with commits():
        resume(switch, user=owner)
        sweep()
    assert its.stages.count() == 2
    assert end(its).status == "live"
