"""Chooses who builds an image: the classic builder, or BuildKit where a Dockerfile needs it and the operator lets it."""

from __future__ import annotations

import logging
from typing import BinaryIO, Protocol

from runners.contract import Stop
from runners.errors import EngineError, SpecError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.buildkit import BuildKit, find_client
from runners.executors.docker.classic import Classic
from runners.executors.docker.dockerfile import needs_buildkit
from runners.executors.docker.engine import DEFAULT_URL, Engine
from runners.executors.docker.output import StepOutput
from runners.executors.docker.recipes import Recipe
from runners.executors.docker.rooms import Rooms

logger = logging.getLogger(__name__)


class Builder(Protocol):
    """A way to build an image."""

    name: str
    takes_ids: bool  # in FROM lines; else names

    def build(self, recipe: Recipe, context: BinaryIO, output: StepOutput, stop: Stop) -> str:
        """The id of the image. StepFailed where the project's part failed, ImageError where ours did."""


class Builders:
    """Those of one runner, as its settings have them: `auto`, `classic` or `buildkit`."""

    def __init__(self, engine: Engine, rooms: Rooms, settings: ExecutorSettings) -> None:
        self._wish, self._url = settings.image_builder, settings.docker_url or DEFAULT_URL
        self._classic = Classic(engine, rooms, settings.memory_mb)

    def choose(self, service: str, text: str, *, is_strangers: bool) -> Builder:
        """Who builds this Dockerfile. SpecError where nobody may, EngineError where nobody can."""
        is_needed = needs_buildkit(text)
        if self._wish == "classic" or (self._wish == "auto" and not is_needed):
            if is_needed:
                raise SpecError(self._refusal(service, "this runner is set to the classic builder (IMAGE_BUILDER)"))
            return self._classic
        if self._wish == "auto" and is_strangers:
            raise SpecError(self._refusal(service, "changes from a fork are built without it (IMAGE_BUILDER)"))
        client = find_client()
        if client:
            return BuildKit(client, self._url)
        if is_needed:
            problem = "this runner has no docker program that speaks to it (docker with buildx, or 20.10 to 22)"
            raise EngineError(self._refusal(service, problem), retry=False)
        logger.warning("IMAGE_BUILDER=buildkit, but no docker program speaks to it: service=%s built without", service)
        return self._classic

    def _refusal(self, service: str, why: str) -> str:
        return f"The Dockerfile of service {service} uses what only BuildKit understands, and {why}."
