"""T53: a secret that builds print, pass on and die with is nowhere afterwards; and the search would find it."""

from __future__ import annotations

import base64

import pytest
import redis
import zstandard

from builds.models import Job, Secret, Step
from builds.models.job import JobKind
from builds.services.cancel import cancel
from builds.states import Status
from tests.builds.queue import add_job
from tests.faults.canary import search
from tests.faults.harness import until, until_ended, until_printing


def test_builds_that_print_it_and_die_with_it(house, canary, make_build, reader):
    """Passed, failed, killed in mid-step, cancelled."""
    shows = "print-env CANARY\nprint-env CANARY"
    passed, failed, killed = make_build(), make_build(), make_build()
    shown = add_job(passed, shows)
    add_job(failed, f"{shows}\nexit 3")
    lost = add_job(killed, f"{shows}\nsleep 60")
    runner = house.runner("runner-a", LEASE_SECONDS="4")
    until_printing(lost)
    until_ended(passed), until_ended(failed)
    runner.kill()
    house.runner("runner-b", LEASE_SECONDS="4")
    until(lost, attempt=2)
    until_printing(lost)
    cancel(killed, who="ada", reason="Enough")
    until_ended(killed)
    log = reader.log(shown.steps.get())
    assert (passed.status, failed.status, log.count(b"CANARY=")) == (Status.PASSED, Status.FAILED, 2)
    assert canary.encode() not in log


@pytest.mark.parametrize("form", ["row", "file", "compressed", "name", "redis", "base64"])
def test_the_search_finds_it(house, make_build, tmp_path, form):
    secret = "not-the-canary-but-another"
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    assert search(secret, [folder], house.redis.url) == []
    if form == "row":
        make_build(message=f"It is {secret}.")
    elif form == "redis":
        with redis.Redis.from_url(house.redis.url) as client:
            client.xadd("stream", {"x": f"It is {secret}."})
    elif form == "name":
        (folder / secret).touch()
    else:
        content = (base64.b64encode(secret.encode()) if form == "base64" else secret.encode()) * 3
        frame = zstandard.compress(content)
        (folder / "file").write_bytes(2 * frame if form == "compressed" else content)
    assert len(search(secret, [folder], house.redis.url)) >= 1
    assert not Step.objects.exists()


def test_a_secret_of_an_environment_is_known_to_its_deployment_alone(house, canary, make_build, reader):
    """Given to what deploys there and to no build; in no row, log or key of either."""
    Secret.objects.filter(name="CANARY").update(environment="production")
    deploying, plain = make_build(), make_build()
    told = add_job(deploying, "print-env CANARY\nexit 3", kind=JobKind.DEPLOYMENT)
    Job.objects.filter(pk=told.pk).update(variables={"CI_ENVIRONMENT": "production"})
    untold = add_job(plain, "print-env CANARY")
    house.runner("runner-a")
    until(told, status=Status.FAILED)
    until_ended(plain)
    assert b"CANARY=[hidden]" in reader.log(told.steps.get())
    assert b"[hidden]" not in reader.log(untold.steps.get())
