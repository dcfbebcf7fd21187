"""Releases come to a Compose project on a real engine, by the real Compose."""

from __future__ import annotations

import pytest

from runners.targets.contract import TargetError
from runners.targets.reach import OutOfReachError
from tests.runners.targets.contract import TargetContract

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

ONE = """
services:
  {name}: {{image: "{image}", command: [sh, -c, "{script}"], stop_grace_period: 1s}}
"""
STAY = "trap 'exit 0' TERM; sleep 600 & wait"


class TestContract(TargetContract):
    has_shares = False
    keeps_releases = False

    @pytest.fixture
    def place(self, place):
        return place


def test_only_what_changed_is_started_anew(place):
    place.deliver(1)
    database = place.containers("database")[0].id
    web = place.containers("web")[0].id
    place.deliver(2, previous="1")
    assert place.containers("database")[0].id == database
    assert place.containers("web")[0].id != web
    assert place.running == {"2"}
    place.deliver(1, previous="2", is_rollback=True)
    assert place.containers("database")[0].id == database
    assert place.running == {"1"}


def test_a_release_that_changes_nothing_is_known_as_well(place):
    place.write(ONE.format(name="web", image=place.image, script=STAY))
    place.deliver(1)
    place.deliver(2, previous="1")
    assert place.running == {"2"}


def test_a_service_that_ended_is_not_running_and_is_brought_back(place):
    place.deliver(1)
    place.deliver(2, previous="1")
    place.containers("web")[0].remove(force=True)
    assert place.running != {"2"}
    place.deliver(2, previous="1")
    assert place.running == {"2"}


def test_an_unhealthy_service_fails_with_its_last_words(place):
    script = "echo the database is away; sleep 600"
    check = 'healthcheck: {test: ["CMD", "false"], interval: 1s, retries: 1}'
    place.write(ONE.format(name="web", image=place.image, script=script).replace("stop_grace", f"{check}, stop_grace"))
    with pytest.raises(TargetError, match=r"_web_1 is not healthy: the last it printed is above"):
        place.deliver(1)
    assert any(line.endswith("| the database is away") for line in place.log)


def test_a_service_that_ends_fails_and_one_that_has_done_its_work_does_not(place):
    place.write(ONE.format(name="migrate", image=place.image, script="echo done"))
    place.deliver(1)
    assert place.running == {"1"}
    place.write(ONE.format(name="migrate", image=place.image, script="echo no; exit 3"))
    with pytest.raises(TargetError, match="ended with exit code 3"):
        place.deliver(2, previous="1")


def test_services_that_are_no_longer_in_the_file_go(place):
    place.deliver(1)
    place.write(ONE.format(name="other", image=place.image, script=STAY))
    place.deliver(2, previous="1")
    assert {container.labels["com.docker.compose.service"] for container in place.containers()} == {"other"}
    assert place.running == {"2"}


def test_files_lie_over_one_another_and_take_variables(place):
    place.write("services: {web: {environment: {RELEASE: 'over-${WORD}'}}}", "production.yml")
    files = {"file": ["docker-compose.yml", "production.yml"], "environment": {"WORD": "a$b"}}
    place.deliver(1, settings=place.made(**files))
    assert place.serving() == {"over-a$b": 1.0}


def test_services_of_other_profiles_are_left_out_and_said_to_be(place):
    text = ONE.format(name="web", image=place.image, script=STAY)
    tool = ONE.format(name="tool", image="nowhere.invalid/tool", script=STAY).replace("{image", "{profiles: [x], image")
    place.write(text + tool.replace("services:\n", "").lstrip("\n"))
    place.deliver(1)
    assert "Left out, of other profiles: tool" in place.log
    assert place.running == {"1"}


def test_a_project_of_somebody_else_is_not_touched(place):
    place.deliver(1)
    before = place.work()
    with pytest.raises(TargetError, match="belongs to another project or environment of this CI"):
        place.deliver(2, environment="staging")
    assert place.work() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {web: {build: .}}", "services.web: nothing is built on the Docker host"),
        ("services: {web: {image: shop, volumes: ['./data:/data']}}", r"services.web.volumes: data is of the checkout"),
        (
            "version: '3.8'\nservices: {web: {image: shop, secrets: [key]}}\nsecrets: {key: {file: ./key}}",
            "secrets.key: key is of the checkout",
        ),
        ("services: {web: {image: nowhere.invalid/shop}}", "no registry has nowhere.invalid/shop:latest"),
        ("services: [", "Compose cannot read docker-compose.yml"),
        ("services: {}", "services"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_touched(place, text, said):
    place.write(text)
    with pytest.raises(TargetError, match=said):
        place.deliver(1)
    assert place.containers() == []


def test_a_share_and_a_file_that_is_not_there_are_refused(place):
    with pytest.raises(TargetError, match="cannot bring a release to 10 %.*`docker` with a `proxy`"):
        place.deliver(1, percent=10.0)
    with pytest.raises(TargetError, match="there is no live.yml in the checkout"):
        place.deliver(1, settings=place.made(file="live.yml"))


def test_the_runners_own_engine_is_the_operators_to_open(place):
    with pytest.raises(OutOfReachError, match="TARGET_ALLOWED_HOSTS=/var/run/docker.sock"):
        place.deliver(1, allowed_hosts=("*",))
