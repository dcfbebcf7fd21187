"""Builds an image with the engine's classic builder, whose RUN lines have a room of their own and a container's memory."""

from __future__ import annotations

import json
from typing import BinaryIO

from runners.contract import Stop
from runners.errors import ImageError
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.hardening import MEBIBYTE, SHARED_MEMORY_BYTES
from runners.executors.docker.output import StepOutput
from runners.executors.docker.recipes import Recipe
from runners.executors.docker.rooms import Rooms
from runners.executors.docker.streams import Lines


class Classic:
    """One engine's."""

    name = "classic"
    takes_ids = True

    def __init__(self, engine: Engine, rooms: Rooms, memory_mb: int) -> None:
        self._engine, self._rooms, self._memory_mb = engine, rooms, memory_mb

    def build(self, recipe: Recipe, context: BinaryIO, output: StepOutput, stop: Stop) -> str:
        """The id of the image. StepFailed, ImageError."""
        room = self._rooms.take()
        try:
            lines = self._engine.stream("POST", "/build", self._parameters(recipe, room.mode), context)
            return _read(recipe, lines, output, stop)
        except Refused as refusal:
            raise recipe.failed(str(refusal)) from refusal
        finally:
            self._rooms.give_back(room)

    def _parameters(self, recipe: Recipe, network: str) -> dict[str, str]:
        memory = self._memory_mb * MEBIBYTE
        return {
            "dockerfile": recipe.dockerfile,
            "buildargs": json.dumps({**recipe.args, **recipe.secret_args}),
            "target": recipe.target,
            "labels": json.dumps(dict(recipe.labels)),
            "cachefrom": json.dumps(list(recipe.cache_from)),
            "networkmode": network,
            "rm": "1",
            "forcerm": "1",
            "memory": str(memory),
            "memswap": str(memory),
            "shmsize": str(SHARED_MEMORY_BYTES),
        }


def _read(recipe: Recipe, lines: Lines, output: StepOutput, stop: Stop) -> str:
    """Pass the progress on; the id of the image at the end."""
    image = ""
    forget = stop.on_order(lambda _: lines.close())
    try:
        for line in lines:
            told = json.loads(line)
            if "error" in told:
                raise recipe.failed(str(told["error"]))
            image = str((told.get("aux") or {}).get("ID") or image)
            _show(recipe, told, output)
    finally:
        forget()
        lines.release()
    if not image:
        raise ImageError(f"The build of the image of service {recipe.service} was broken off.")
    return image


def _show(recipe: Recipe, told: dict[str, object], output: StepOutput) -> None:
    if text := str(told.get("stream") or ""):
        output.write(recipe.in_their_words(text).encode())
    elif (status := str(told.get("status") or "")) and not told.get("progressDetail"):
        output.say(f"{told['id']}: {status}" if told.get("id") else status)
