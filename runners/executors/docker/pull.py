"""Pulls an image into the engine, again where a registry stumbles, and says whose fault it is where it cannot be had."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from runners.contract import Stop
from runners.errors import ImageError, SpecError
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.registries import host_of_image

PULL_SECONDS = 300
SILENCE_SECONDS = 120
ATTEMPTS = 3
BACK_OFF_SECONDS = 1.0

_TOO_MANY = re.compile(r"toomanyrequests|rate limit", re.IGNORECASE)
_ABSENT = re.compile(
    r"pull access denied|manifest unknown|manifest for .* not found|not found|does not exist|"
    r"invalid reference|unauthorized|no basic auth credentials|no matching manifest|denied",
    re.IGNORECASE,
)
_SILENT = re.compile(
    r"Client\.Timeout|TLS handshake timeout|i/o timeout|deadline exceeded|request canceled", re.IGNORECASE
)
_TRANSIENT = re.compile(
    r"no such host|dial tcp|timeout|connection|TLS handshake|EOF|deadline exceeded|request canceled|\b50[0-9]\b",
    re.IGNORECASE,
)


def pull_stubbornly(
    engine: Engine, name: str, say: Callable[[str], None], stop: Stop, headers: Mapping[str, str]
) -> None:
    """Pull it, a few times where it may help. SpecError where no registry has it, ImageError where none could be asked."""
    until = time.monotonic() + PULL_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _pull(engine, name, stop, until - time.monotonic(), headers)
            return
        except ImageError as error:
            if attempt == ATTEMPTS or not error.retry or stop.wait(BACK_OFF_SECONDS * attempt):
                raise
            say(f"{error} Trying again.")


def is_transient(sentence: str) -> bool:
    """Whether the engine speaks of a network or a registry that may be better soon."""
    return _TRANSIENT.search(sentence) is not None


def is_rate_limit(sentence: str) -> bool:
    """Whether a registry has answered too often."""
    return _TOO_MANY.search(sentence) is not None


def _pull(engine: Engine, name: str, stop: Stop, seconds: float, headers: Mapping[str, str]) -> None:
    repository, _, tag = name.partition("@") if "@" in name else name.rpartition(":")
    params = {"fromImage": repository, "tag": tag}
    try:
        lines = engine.stream("POST", "/images/create", params, silence=SILENCE_SECONDS, headers=headers)
    except Refused as refusal:
        raise _pull_failed(name, refusal.status, str(refusal)) from refusal
    timer = threading.Timer(max(seconds, 1), lines.close)
    timer.start()
    forget = stop.on_order(lambda _: lines.close())
    try:
        finished = _read_pull(name, lines)
    finally:
        forget()
        timer.cancel()
        timer.join()
        lines.release()
    if not finished:
        raise ImageError(f"Pulling {name} was stopped, or took longer than {PULL_SECONDS} s.")


def _read_pull(name: str, lines: Any) -> bool:
    """Whether the answer says that the image is there now; the errors that it may hold are raised."""
    finished = False
    for line in lines:
        told = json.loads(line)
        if "error" in told:
            raise _pull_failed(name, 0, str(told["error"]))
        finished = str(told.get("status", "")).startswith("Status:") or finished
    return finished


def _pull_failed(name: str, status: int, sentence: str) -> ImageError:
    """The error to raise for what the engine said; SpecError where the project names what does not exist."""
    told = sentence.replace(name, "").replace(name.partition(":")[0], "")
    if status == requests.codes.too_many_requests or is_rate_limit(told):
        return ImageError(
            f"The registry's rate limit refuses {name} for now: use a mirror or an account ({sentence}).", retry=True
        )
    if not is_transient(told) and (status == requests.codes.not_found or _ABSENT.search(told)):
        raise SpecError(f"The image {name} was not found: {sentence}")
    if _SILENT.search(told):
        sentence = f"{host_of_image(name)} does not answer ({sentence})"
    return ImageError(f"The image {name} could not be pulled: {sentence}.", retry=True)
