"""Which image a name means now: its digest at the registry, and the image itself on the host."""

from __future__ import annotations

from collections.abc import Mapping

from runners.contract import Stop
from runners.executors.docker.engine import Refused
from runners.executors.docker.images import is_named, with_tag
from runners.executors.docker.pull import pull_stubbornly
from runners.executors.docker.registries import Login, host_of_image
from runners.targets.contract import TargetError, Tell
from runners.targets.docker.engine_settings import Registry
from runners.targets.docker.remote import Remote


def login(image: str, registry: Registry | None) -> Mapping[str, str]:
    """The header that says who we are at the image's registry; none where nobody in particular."""
    if registry is None:
        return {}
    who = Login(username=registry.username, password=registry.password)
    return {"X-Registry-Auth": who.header(host_of_image(image))}


def pinned(engine: Remote, image: str, registry: Registry | None, tell: Tell) -> str:
    """The name with the digest that the registry has for it now, or the id of an image that only this host has.

    TargetError where neither knows it.
    """
    name = with_tag(image.strip())
    if "@" in name:
        return name
    try:
        digest = engine.digest(name, login(name, registry))
    except Refused as refusal:
        found = engine.image(name)
        if found is None or not is_named(name, found):
            raise TargetError(f"image: no registry has {name}, nor does the host: {refusal}.") from refusal
        tell(f"No registry knows {name}: the host's own image is used ({found['Id']})")
        return str(found["Id"])
    leaf = name.rpartition("/")[2]
    return f"{name.removesuffix(':' + leaf.partition(':')[2])}@{digest}"


def fetch(engine: Remote, image: str, registry: Registry | None, tell: Tell) -> None:
    """Have the pinned image on the host. SpecError or ImageError where it cannot be had."""
    if engine.image(image) is None:
        tell(f"Pulling {image}")
        pull_stubbornly(engine, image, tell, Stop(), login(image, registry))
