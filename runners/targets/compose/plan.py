"""A Compose file as Compose writes it out: what of it cannot be deployed, and how its containers are marked.

A container whose service did not change keeps its marks, and Compose leaves it alone: a database is not started anew with
every release. So each container has the release that made it, when that was, and what the whole release was then. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from runners.targets.compose.program import WORK
from runners.targets.contract import TargetError

OWNER = "ciservice.target"  # project/environment: whose containers they are
RELEASE = "ciservice.target.release"
FORM = "ciservice.target.form"
MADE = "ciservice.target.made"  # nanoseconds: the newest says which release is the one
WHOLE = "ciservice.target.whole"  # "web=1f3a5c,db=77e0d1": the forms of that release's services
SERVICE = "com.docker.compose.service"
_OURS = "ciservice."
_MOST_NODES = 100_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Labels = Mapping[str, str]
Config = dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """Whose release it is, and when it is delivered (nanoseconds)."""

    owner: str
    release: str
    now: int


def read(text: str) -> Config:
    """What Compose wrote out. TargetError where it has no services, or more in it than anybody runs."""
    try:
        config = yaml.load(text, Loader=_LOADER)  # noqa: S506 -- the safe one
    except (yaml.YAMLError, ValueError, RecursionError):
        config = None
    if not isinstance(config, dict) or not isinstance(config.get("services"), dict) or not config["services"]:
        raise TargetError("The Compose file has no services.")
    _count([config])
    return config


def leave_out(config: Config, profiles: str) -> list[str]:
    """Take out the services of other profiles than these (COMPOSE_PROFILES); their names."""
    wanted, services = {name.strip() for name in profiles.split(",")}, config["services"]
    others = [name for name, one in services.items() if one.get("profiles") and not wanted & {*one["profiles"], "*"}]
    for name in others:
        del services[name]
    if not services:
        raise TargetError(
            "Every service of the Compose file has `profiles`: name them with `environment.COMPOSE_PROFILES`."
        )
    return others


def check(config: Config) -> None:
    """TargetError for what the Docker host cannot have: images to build, and files of the checkout."""
    for name, service in config["services"].items():
        if not service.get("image"):
            raise TargetError(
                f"services.{name}: nothing is built on the Docker host. Build the image in a step of the build, push it,"
                f" and write its name as `image`, such as registry.example.com/{name}:${{CI_COMMIT_ID}}."
            )
        for volume in service.get("volumes") or ():
            source = volume.get("source") if isinstance(volume, dict) else str(volume).partition(":")[0]
            _check_path(f"services.{name}.volumes", source)
    for kind in ("configs", "secrets"):
        for name, one in (config.get(kind) or {}).items():
            _check_path(f"{kind}.{name}", (one or {}).get("file"))


def marked(config: Config, images: Mapping[str, str], there: Sequence[Labels], mark: Mark) -> str:
    """The file to deploy: `images` (pinned) of each service, and its labels; `there` are those of containers that run."""
    services: Config = config["services"]
    for name, service in services.items():
        service.pop("build", None)
        service["image"] = images[name]
        service["labels"] = _foreign(service.get("labels"))
    forms = {name: _form(service) for name, service in services.items()}
    kept = _kept(forms, there, mark)
    ours = {
        OWNER: mark.owner,
        RELEASE: mark.release,
        MADE: str(mark.now),
        WHOLE: ",".join(f"{name}={form}" for name, form in sorted(forms.items()) if _is_started(services[name])),
    }
    for name, service in services.items():
        service["labels"] |= kept.get(name) or {**ours, FORM: forms[name]}
    return str(yaml.safe_dump(config, allow_unicode=True))


def running(there: Sequence[Labels]) -> frozenset[str]:
    """The releases of containers that run: one where all of the newest is there, several where only a part of it is."""
    if not there:
        return frozenset()
    newest = max(there, key=_made)
    if _is_whole(newest, there):
        return frozenset({newest[RELEASE]})
    others = frozenset(labels[RELEASE] for labels in there if labels[RELEASE] != newest[RELEASE])
    return others | {newest[RELEASE]} if others else frozenset()


def _kept(forms: Mapping[str, str], there: Sequence[Labels], mark: Mark) -> dict[str, Labels]:
    """The marks of services that are as they were; without those of the newest where nothing else would tell the release."""
    same = {labels[SERVICE]: labels for labels in there if forms.get(labels[SERVICE]) == labels[FORM]}
    kept: dict[str, Labels] = {
        name: {key: value for key, value in labels.items() if key.startswith(_OURS)} for name, labels in same.items()
    }
    newest = max(there, key=_made, default=None)
    if kept.keys() == forms.keys() and newest is not None and newest[RELEASE] != mark.release:
        return {name: labels for name, labels in kept.items() if _made(labels) != _made(newest)}
    return kept


def _is_whole(newest: Labels, there: Sequence[Labels]) -> bool:
    have = {f"{labels[SERVICE]}={labels[FORM]}" for labels in there}
    return {part for part in newest[WHOLE].split(",") if part} <= have


def _is_started(service: Config) -> bool:
    return 0 not in (service.get("scale"), (service.get("deploy") or {}).get("replicas"))


def _made(labels: Labels) -> int:
    return int(labels[MADE])


def _form(service: Config) -> str:
    whole = json.dumps(service, sort_keys=True, default=str)
    return hashlib.sha256(whole.encode(errors="replace")).hexdigest()[:12]


def _foreign(labels: object) -> dict[str, str]:
    """The file's own labels, as a map; nobody else writes ours."""
    pairs: Iterable[tuple[str, str]]
    if isinstance(labels, dict):
        pairs = ((str(name), _text(value)) for name, value in labels.items())
    else:
        texts = labels if isinstance(labels, list) else []
        pairs = ((name, value) for name, _, value in (str(text).partition("=") for text in texts))
    return {name: value for name, value in pairs if not name.startswith(_OURS)}


def _text(value: object) -> str:
    """As it stood in the file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _check_path(where: str, source: object) -> None:
    if isinstance(source, str) and (source == WORK or source.startswith((f"{WORK}/", "."))):
        raise TargetError(
            f"{where}: {source.removeprefix(WORK).lstrip('/') or '.'} is of the checkout, which the Docker host does not"
            " have. Lay it into the image, or use a named volume or a path of the host."
        )


def _count(stack: list[Any]) -> None:
    """An alias counts as often as it is used: what is small as a file may be endless written out."""
    nodes = 0
    while stack:
        one = stack.pop()
        nodes += 1
        if nodes > _MOST_NODES:
            raise TargetError(f"The Compose file has more than {_MOST_NODES} values in it.")
        if isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
