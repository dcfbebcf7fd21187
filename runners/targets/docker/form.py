"""The container of an app, as the engine's API wants it told. Pure functions."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from runners.targets.contract import Delivery, TargetError
from runners.targets.docker.settings import Health, Limits, Settings
from runners.targets.durations import seconds

OWNER = "ciservice.target"  # project/environment/name: whose containers they are
RELEASE = "ciservice.target.release"
FORM = "ciservice.target.form"
IMAGE = "ciservice.target.image"
NUMBER = "ciservice.target.number"
PORT = "ciservice.target.port"

_NANO = 1_000_000_000
_ASK_SECONDS = 10
_LITTLE = 3  # so often in a row it has to fail, before a container that was healthy is not
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_ASK = (
    "if command -v curl >/dev/null; then curl -fsS -o /dev/null --max-time {limit} {url};"
    " elif command -v wget >/dev/null; then wget -q -O /dev/null {url};"
    " else echo 'the image has neither curl nor wget: use health.command'; exit 1; fi"
)


def owner(settings: Settings, delivery: Delivery) -> str:
    """What all containers of this app in this environment are labelled with."""
    return f"{delivery.project}/{delivery.environment}/{settings.name}"


def form(settings: Settings, delivery: Delivery) -> dict[str, Any]:
    """What is created, but for what differs between the containers of a release: image, labels, ports."""
    environment = {
        "CI_RELEASE": delivery.release,
        "CI_ENVIRONMENT": delivery.environment,
        "CI_COMMIT_ID": delivery.commit,
        **settings.environment,
    }
    body: dict[str, Any] = {
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "StopTimeout": seconds(settings.stop),
        "ExposedPorts": {f"{settings.port}/tcp": {}},
        "HostConfig": {
            "RestartPolicy": {"Name": "unless-stopped"},
            "Mounts": [_mount(volume) for volume in settings.volumes],
            **_limits(settings.limits),
        },
    }
    if settings.command:
        body["Cmd"] = argv(settings.command)
    if test := _test(settings.health, settings.port):
        body["Healthcheck"] = {
            "Test": test,
            "Interval": max(seconds(settings.health.every), 1) * _NANO,
            "Timeout": _ASK_SECONDS * _NANO,
            "StartPeriod": seconds(settings.health.within) * _NANO,
            "Retries": _LITTLE,
        }
    return body


def mark(settings: Settings, body: Mapping[str, Any]) -> str:
    """Tells containers that are alike from others of the same release: a variable changed, the image's name."""
    whole = {
        **body,
        "image": settings.image,
        "replicas": settings.replicas,
        "labels": settings.labels,
        "networks": [settings.front, *settings.networks],
        "publish": _published(settings),
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]


def container_name(settings: Settings, delivery: Delivery, its_mark: str, number: int) -> str:
    """For people: `shop-production-r12-1f3a5c-1`."""
    environment = re.sub(r"[^a-z0-9]+", "-", delivery.environment.lower()).strip("-") or "env"
    return f"{settings.name}-{environment[:30]}-r{delivery.release}-{its_mark[:6]}-{number}"


def argv(command: str | tuple[str, ...]) -> list[str]:
    """A command as a list; TargetError where a quote is left open."""
    if not isinstance(command, str):
        return list(command)
    try:
        return shlex.split(command)
    except ValueError as error:
        raise TargetError(f"command: {command} cannot be split into words: {error}.") from None


def _test(health: Health, port: int) -> list[str]:
    if health.http:
        url = shlex.quote(f"http://127.0.0.1:{port}{health.http}")
        return ["CMD-SHELL", _ASK.format(limit=_ASK_SECONDS - 2, url=url)]
    if isinstance(health.command, str):
        return ["CMD-SHELL", health.command] if health.command else []
    return ["CMD", *health.command]


def _mount(volume: str) -> dict[str, object]:
    name, target, *mode = volume.split(":")
    return {"Type": "volume", "Source": name, "Target": target, "ReadOnly": mode == ["ro"]}


def _limits(limits: Limits) -> dict[str, int]:
    found: dict[str, int] = {}
    if limits.memory:
        digits = limits.memory.rstrip("kmgKMG")
        found["Memory"] = int(digits) * _UNITS[limits.memory[len(digits) :].lower()]
    if limits.cpus:
        found["NanoCpus"] = int(limits.cpus * _NANO)
    if limits.pids:
        found["PidsLimit"] = limits.pids
    return found


def _published(settings: Settings) -> object:
    publish = settings.proxy.haproxy.publish if settings.proxy else None
    return publish.model_dump() if publish else None
