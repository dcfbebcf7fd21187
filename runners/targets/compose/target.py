"""Delivers to a Compose project: the release's own file, read behind walls, brought up by Compose, and waited for.

What Compose reads is a stranger's; what it brings up is what was checked, in one file that refers to nothing more.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from runners.executors.docker.registries import host_of, host_of_image
from runners.targets.compose import plan
from runners.targets.compose.ends import socket_of
from runners.targets.compose.health import Limits, wait_healthy
from runners.targets.compose.program import Program, found
from runners.targets.compose.settings import Settings
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.docker import images
from runners.targets.docker.engine_settings import Registry
from runners.targets.docker.host import Host, opened, reached
from runners.targets.docker.remote import Remote
from runners.targets.durations import seconds
from runners.targets.marks import whole_only

PROJECT = "com.docker.compose.project"
ONE_OFF = "com.docker.compose.oneoff=False"


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Bring the project to the release's Compose file, and return when its containers are healthy."""
    whole_only(delivery, "A Compose project", "Shares need the target `docker` with a `proxy`.")
    program = _program(settings, delivery)
    config = plan.read(program.config(settings.files))
    if others := plan.leave_out(config, settings.environment.get("COMPOSE_PROFILES", "")):
        tell(f"Left out, of other profiles: {', '.join(others)}")
    plan.check(config)
    with reached(settings, delivery) as host, opened(host) as engine:
        there = _containers(engine, settings)
        _check_owner(there, settings, delivery)
        mark = plan.Mark(_owner(delivery), delivery.release, time.time_ns())
        text = plan.marked(config, _images(engine, config, settings, tell), _marks(there, delivery), mark)
        _up(program, host, text, settings, tell)
        tell("Waiting until all of its containers are healthy")
        limits = Limits(within=seconds(settings.within), steady=seconds(settings.steady))
        wait_healthy(engine, [str(one["Id"]) for one in _containers(engine, settings)], limits, tell)
        tell(f"The project {settings.project} is of release {delivery.release}")


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str]:
    """The release that the project's containers are of; several where one was only brought there in part."""
    with reached(settings, delivery) as host, opened(host) as engine:
        return plan.running(_marks(_containers(engine, settings), delivery))


def _program(settings: Settings, delivery: Delivery) -> Program:
    for file in settings.files:
        if not (delivery.folder / file).is_file():
            raise TargetError(f"file: there is no {file} in the checkout.")
    variables = {
        "CI_RELEASE": delivery.release,
        "CI_COMMIT_ID": delivery.commit,
        "CI_ENVIRONMENT": delivery.environment,
        "CI_BRANCH": delivery.branch,
        **settings.environment,
    }
    return Program(found(), delivery.folder, settings.project, variables)


def _up(program: Program, host: Host, text: str, settings: Settings, tell: Tell) -> None:
    with tempfile.TemporaryDirectory(prefix="ci-compose-") as name:
        file = Path(name) / "compose.yml"
        file.touch(mode=0o600)  # it holds the values of secrets
        file.write_text(text)
        with socket_of(host, Path(name)) as socket:
            program.up(file, socket, seconds(settings.within), tell)


def _images(engine: Remote, config: plan.Config, settings: Settings, tell: Tell) -> dict[str, str]:
    """What each service's image is now, by digest; all of them are on the host then."""
    known: dict[str, str] = {}
    for service in config["services"].values():
        image = str(service["image"])
        if image not in known:
            who = _login(image, settings)
            known[image] = images.pinned(engine, image, who, tell)
            images.fetch(engine, known[image], who, tell)
    return {name: known[str(service["image"])] for name, service in config["services"].items()}


def _login(image: str, settings: Settings) -> Registry | None:
    """The password goes to the registry that it is for, and to no other that the file may name."""
    registry = settings.registry
    return registry if registry and host_of_image(image) == host_of(registry.server) else None


def _containers(engine: Remote, settings: Settings) -> list[dict[str, Any]]:
    return engine.listed("/containers/json", {"label": [f"{PROJECT}={settings.project}", ONE_OFF]})


def _check_owner(there: list[dict[str, Any]], settings: Settings, delivery: Delivery) -> None:
    owners = {one["Labels"].get(plan.OWNER) for one in there}
    if owners - {None, _owner(delivery)}:
        raise TargetError(
            f"The Compose project {settings.project} on that host belongs to another project or environment of this CI."
        )


def _marks(there: list[dict[str, Any]], delivery: Delivery) -> list[plan.Labels]:
    """The labels of our containers that run, or have done what they had to do."""
    return [
        one["Labels"]
        for one in there
        if one["Labels"].get(plan.OWNER) == _owner(delivery)
        and (one["State"] == "running" or str(one.get("Status", "")).startswith("Exited (0)"))
    ]


def _owner(delivery: Delivery) -> str:
    return f"{delivery.project}/{delivery.environment}"
