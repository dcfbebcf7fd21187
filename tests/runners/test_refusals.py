"""Steps that need what no job is given fail with the reason; the steps beside them run."""

from __future__ import annotations

from runners.contract import Failure, Link, Outcome, ServiceSpec, Stop
from runners.engine import execute
from runners.executors import make_executor
from tests.runners.jobs import parallel, run

REFUSED = ServiceSpec(name="bad", image="x", refused="file.yml:3: `/etc` is a path of the host.")


def test_who_needs_a_refused_service_fails_however_far_it_is(make_job, make_settings, recorder):
    services = [
        REFUSED,
        ServiceSpec(name="beside", image="x", depends_on=(Link(service="bad"),)),
        ServiceSpec(name="behind", image="x", depends_on=(Link(service="beside"),)),
        ServiceSpec(name="volumes", image="x", volumes_from=("bad",)),
        ServiceSpec(name="good", image="x", depends_on=(Link(service="other"),)),
        ServiceSpec(name="other", image="x"),
    ]
    steps = [run(service.name, "print fine", service=service.name) for service in services]
    job = make_job(parallel("all", *steps), services=services)

    result = execute(job, make_executor(make_settings("fake")), recorder, Stop())

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    for name in ("bad", "beside", "behind", "volumes"):
        found = recorder.result(name)
        assert (found.outcome, found.failure, found.retry) == (Outcome.FAILED, Failure.SPEC, False)
        assert found.reason == "The service bad cannot be used: file.yml:3: `/etc` is a path of the host."
    assert recorder.result("good").outcome is recorder.result("other").outcome is Outcome.PASSED
    assert "`/etc` is a path of the host" in recorder.text(0, 0)


def test_a_step_may_be_refused_by_itself(make_job, make_settings, recorder):
    job = make_job(parallel("all", run("bad", "print x", refused="No tag is left."), run("good", "print fine")))

    execute(job, make_executor(make_settings("fake")), recorder, Stop())

    assert (recorder.result("bad").outcome, recorder.result("bad").reason) == (Outcome.FAILED, "No tag is left.")
    assert recorder.result("good").outcome is Outcome.PASSED
