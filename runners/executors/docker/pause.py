"""The image of containers that only hold a network namespace: it holds one static program that sleeps."""

from __future__ import annotations

from runners.executors.docker.engine import Engine
from runners.executors.docker.programs import archive, sleeper

NAME = "ciservice-pause"


def ensure(engine: Engine) -> str:
    """The image's id, made where the engine has none; "" on a machine that we have no program for."""
    if found := engine.image(NAME):
        return str(found["Id"])
    program = sleeper(str(engine.facts().get("Arch")))
    if program is None:
        return ""
    engine.import_image(archive("pause", program), NAME, ['ENTRYPOINT ["/pause"]'])
    made = engine.image(NAME)
    return str(made["Id"]) if made else ""
