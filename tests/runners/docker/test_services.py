"""Steps with services beside them, as CodeShip ran them."""

from __future__ import annotations

import re

import pytest

from runners.contract import Failure, ImageBuild, Link, Outcome, ServiceSpec, StepSpec
from tests.runners.jobs import run

pytestmark = pytest.mark.docker

WEB = "mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www"
FETCH = "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://{} && exit 0; sleep 0.3; done; exit 1"


def web(docker_image: str, name: str = "web", **fields) -> ServiceSpec:
    return ServiceSpec(name=name, image=docker_image, command=("sh", "-c", WEB), **fields)


def app(docker_image: str, *links: Link, **fields) -> ServiceSpec:
    return ServiceSpec(name="app", image=docker_image, depends_on=links, **fields)


def test_a_dependency_is_reached_by_its_name_and_by_its_alias(perform, docker_image):
    services = [web(docker_image), app(docker_image, Link(service="web", alias="frontend"))]

    outcomes = perform(
        run("by name", FETCH.format("web"), service="app"),
        run("by alias", FETCH.format("frontend"), service="app"),
        services=services,
    )

    assert [result.outcome for result, _ in outcomes] == [Outcome.PASSED, Outcome.PASSED], outcomes


def test_a_service_that_two_need_is_there_once(perform, docker_image):
    services = [
        web(docker_image),
        ServiceSpec(name="proxy", image=docker_image, command=("sleep", "60"), depends_on=(Link(service="web"),)),
        app(docker_image, Link(service="web", alias="one"), Link(service="proxy")),
    ]
    script = "until wget -qO- http://web; do sleep 0.2; done; wget -qO- http://one"

    [(result, text)] = perform(run("twice", script, service="app"), services=services)

    assert result.outcome is Outcome.PASSED, text
    hosts = [line for line in text.splitlines() if re.fullmatch("[0-9a-f]{12}", line)]
    assert len(hosts) == 2
    assert hosts[0] == hosts[1]


def test_a_service_reaches_the_step_by_the_steps_own_service_name(perform, docker_image):
    caller = ServiceSpec(
        name="caller", image=docker_image, command=("sh", "-c", "until wget -qO- http://app:81; do sleep 0.2; done")
    )
    script = "mkdir /www; echo found me > /www/index.html; httpd -p 81 -h /www; sleep 2; wget -qO- http://app:81"

    [(result, text)] = perform(
        run("listen", script, service="app"), services=[caller, app(docker_image, Link(service="caller"))]
    )

    assert result.outcome is Outcome.PASSED, text
    assert "caller | found me\n" in text
    assert text.endswith("found me\n")


def test_the_command_replaces_the_images_and_the_entry_point_stays(perform, docker_image):
    service = ServiceSpec(name="app", image=docker_image, entrypoint=("echo", "entry"), command=("unused",))

    [(result, text)] = perform(StepSpec(name="x", service="app", command=("$HOME", "&&")), services=[service])

    assert (result.outcome, text) == (Outcome.PASSED, "entry $HOME &&\n")


def test_output_of_services_is_labelled_and_the_steps_own_is_verbatim(perform, docker_image):
    chatter = ServiceSpec(name="db", image=docker_image, command=("sh", "-c", "echo ready; printf half; sleep 60"))

    [(_, text)] = perform(
        run("work", "sleep 1; printf 'a\\tb'; sleep 0.2; echo c", service="app"),
        services=[chatter, app(docker_image, Link(service="db"))],
    )

    assert text == "db | ready\na\tbc\ndb | half\n"


def test_a_command_that_is_not_there_ends_with_127(perform, docker_image):
    [(result, text)] = perform(StepSpec(name="x", service="app", command=("frobnicate",)), services=[app(docker_image)])

    assert (result.outcome, result.failure, result.exit_code) == (Outcome.FAILED, Failure.EXIT_CODE, 127)
    assert "frobnicate" in text


def test_a_service_that_cannot_start_fails_the_step_with_its_name(perform, docker_image):
    broken = ServiceSpec(name="db", image=docker_image, user="nobody-knows")

    [(result, _)] = perform(
        run("x", "echo ran", service="app"), services=[broken, app(docker_image, Link(service="db"))]
    )

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert "nobody-knows" in result.reason


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        (ServiceSpec(name="app", image="x", depends_on=(Link(service="app"),)), "app -> app"),
        (ServiceSpec(name="app", image="x", depends_on=(Link(service="nowhere"),)), "There is no service 'nowhere'"),
        (ServiceSpec(name="app", image="x", add_docker=True), "add_docker"),
        (ServiceSpec(name="other", image="x"), "There is no service 'app'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(perform, service, sentence):
    [(result, _)] = perform(run("x", "echo ran", service="app"), services=[service])

    assert result.failure is Failure.SPEC
    assert sentence in result.reason


def checked(docker_image: str, project, check: str) -> ServiceSpec:
    """A service whose image has a health check that looks again and again."""
    (project / "Dockerfile").write_text(
        f"FROM {docker_image}\nHEALTHCHECK --interval=1s --timeout=1s --retries=2 CMD {check}\n"
    )
    command = ("sh", "-c", "sleep 1; touch /ready; echo up; sleep 60")
    return ServiceSpec(name="db", build=ImageBuild(), command=command)


def test_the_step_waits_until_a_service_is_healthy(perform, docker_image, project):
    services = [checked(docker_image, project, "test -e /ready"), app(docker_image, Link(service="db"))]

    [(result, text)] = perform(run("x", "echo ran", service="app"), services=services)

    assert result.outcome is Outcome.PASSED, text
    lines = text.splitlines()
    waited = lines.index('Waiting for "db" service to become healthy')
    healthy = lines.index("Status changed to 'healthy' for \"db\" service")
    assert waited < lines.index("db | up") < healthy < lines.index("ran")


def test_an_unhealthy_service_fails_the_step(perform, docker_image, project):
    services = [checked(docker_image, project, "false"), app(docker_image, Link(service="db"))]

    [(result, text)] = perform(run("x", "echo ran", service="app"), services=services)

    assert result.outcome is Outcome.FAILED
    assert '"db" is unhealthy' in result.reason
    assert "db | up" in text
    assert "ran" not in text.splitlines()


def test_link_variables_tell_where_a_service_is(perform, docker_image, project):
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nEXPOSE 6379 80/udp\n")
    redis = ServiceSpec(name="redis", build=ImageBuild(), command=("sleep", "60"))

    [(_, text)] = perform(
        run("x", "env | grep ^CACHE_ | sort", service="app"),
        services=[redis, app(docker_image, Link(service="redis", alias="cache"))],
    )

    found = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("CACHE_"))
    assert found["CACHE_NAME"] == "/app/cache"
    assert found["CACHE_PORT"] == f"udp://{found['CACHE_PORT_80_UDP_ADDR']}:80"
    assert re.fullmatch(r"tcp://[0-9.]+:6379", found["CACHE_PORT_6379_TCP"])
