"""Sends an image to a registry, again where that stumbles, and says whose fault it is where it cannot.

The engine pushes what has the target's name. That name would be every other project's image, too, so it is given for the
length of the push alone, while nobody else may get an image of that name, and what had it before gets it back.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import quote

from runners.contract import Failure, Outcome, StepResult, Stop
from runners.errors import ImageError
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.images import Images, is_named
from runners.executors.docker.output import StepOutput
from runners.executors.docker.pull import ATTEMPTS, BACK_OFF_SECONDS, is_rate_limit, is_transient
from runners.executors.docker.registries import Login, Target
from runners.executors.docker.verdict import StepFailed

SILENCE_SECONDS = 300  # the engine tells of every piece that it sends
PROGRESS_SECONDS = 30.0

_REFUSED = re.compile(
    r"denied|unauthorized|authentication required|no basic auth credentials|forbidden|insufficient_scope|"
    r"incorrect username or password|\b40[13]\b",
    re.IGNORECASE,
)
_STILL = frozenset({"Preparing", "Waiting", "Pushing"})


class Pusher:
    """Pushes the images of one engine."""

    def __init__(self, engine: Engine, images: Images) -> None:
        self._engine, self._images = engine, images

    def push(self, image: str, target: Target, login: Login | None, output: StepOutput, stop: Stop) -> str:
        """Send the image of this id; the digest by which the registry knows it now.

        StepFailed where the registry does not want it, ImageError where it could not be asked.
        """
        with self._images.alone_with(target.name, stop):
            before = self._engine.image(target.name)
            before = before if before is not None and is_named(target.name, before) else None
            self._images.keep(image)
            self._engine.tag_image(image, target.repository, target.tag)
            try:
                return self._stubbornly(target, login, output, stop)
            finally:
                if before is None:
                    self._engine.untag_image(target.name)
                elif before["Id"] != image:
                    self._engine.tag_image(str(before["Id"]), target.repository, target.tag)

    def _stubbornly(self, target: Target, login: Login | None, output: StepOutput, stop: Stop) -> str:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(target, login, output, stop)
            except ImageError as error:
                if attempt == ATTEMPTS or stop.wait(BACK_OFF_SECONDS * 2**attempt):
                    raise
                output.say(f"{error} Trying again.")
        raise AssertionError("the last attempt returns or raises")

    def _once(self, target: Target, login: Login | None, output: StepOutput, stop: Stop) -> str:
        # The engine wants the header even where there is nobody to be.
        header = {"X-Registry-Auth": (login or Login()).header(target.host)}
        path = f"/images/{quote(target.repository)}/push"
        try:
            lines = self._engine.stream("POST", path, {"tag": target.tag}, silence=SILENCE_SECONDS, headers=header)
        except Refused as refusal:
            raise _failed(target, str(refusal)) from refusal
        forget = stop.on_order(lambda _: lines.close())
        try:
            digest = _read(target, lines, output)
        finally:
            forget()
            lines.release()
        if not digest:
            raise ImageError(f"Pushing {target.name} was broken off.")
        return digest


def _read(target: Target, lines: Any, output: StepOutput) -> str:
    """Pass the progress on; the digest at the end, "" where the answer broke off before."""
    digest, told_at = "", time.monotonic()
    for line in lines:
        told = json.loads(line)
        if "error" in told:
            raise _failed(target, str(told["error"]))
        digest = str((told.get("aux") or {}).get("Digest") or digest)
        status, layer = str(told.get("status") or ""), told.get("id")
        if layer and status in _STILL:
            if time.monotonic() - told_at < PROGRESS_SECONDS:
                continue
            told_at = time.monotonic()
            status = f"{status} {told.get('progress') or ''}".strip()
        if status:
            output.say(f"{layer}: {status}" if layer else status)
    return digest


def _failed(target: Target, sentence: str) -> Exception:
    told = sentence.replace(target.repository, "").replace(target.host, "")
    if is_rate_limit(told) or (is_transient(told) and not _REFUSED.search(told)):
        return ImageError(f"The image could not be pushed to {target.name}: {sentence}.")
    reason = f"The registry {target.host} did not take {target.name}: {sentence}."
    if _REFUSED.search(told):
        reason += " Look at the credentials of encrypted_dockercfg_path or dockercfg_service."
    return StepFailed(StepResult(outcome=Outcome.FAILED, failure=Failure.IMAGE, reason=reason))
