"""Gets images: those that the engine has, those of a registry, and those built from the checkout; each once."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from runners.contract import Stop
from runners.errors import ImageError, SpecError
from runners.executors.docker.engine import Engine, Refused

PULL_SECONDS = 300
SILENCE_SECONDS = 120
ATTEMPTS = 3
BACK_OFF_SECONDS = 1.0

Say = Callable[[str], None]

_TOO_MANY = re.compile(r"toomanyrequests|rate limit", re.IGNORECASE)
_ABSENT = re.compile(
    r"pull access denied|manifest unknown|manifest for .* not found|not found|does not exist|"
    r"invalid reference|unauthorized|no matching manifest|denied",
    re.IGNORECASE,
)
_TRANSIENT = re.compile(r"no such host|dial tcp|timeout|connection|TLS handshake|EOF|\b50[0-9]\b", re.IGNORECASE)


@dataclass(frozen=True)
class Image:
    """An image on this engine."""

    id: str
    digest: str  # what a registry calls these bytes; the id where no registry knows them
    user: str = ""
    checked: bool = False  # it has a HEALTHCHECK

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Image:
        """From what the engine says of it."""
        config = facts.get("Config") or {}
        check = (config.get("Healthcheck") or {}).get("Test") or []
        return cls(
            id=str(facts["Id"]),
            digest=str((facts.get("RepoDigests") or [facts["Id"]])[0]),
            user=str(config.get("User") or ""),
            checked=bool(check) and check != ["NONE"],
        )


class Images:
    """The images of one engine. Two jobs that want the same one wait for one pull."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, name: str, say: Say, stop: Stop) -> Image:
        """The image of that name, pulled where the engine lacks it.

        SpecError where no registry has it, ImageError where none could be asked.
        """
        name = with_tag(name)
        if found := self._local(name):
            return found
        with self._guard:
            lock = self._locks[name]
        while not lock.acquire(timeout=1):
            if stop.reason is not None:
                raise ImageError(f"Stopped while {name} was pulled.")
        try:
            return self._local(name) or self._pull_stubbornly(name, say, stop)
        finally:
            lock.release()

    def _local(self, name: str) -> Image | None:
        facts = self._engine.image(name)
        # The engine also takes the first digits of an id, by which a project could run another one's image.
        if facts is None or not is_named(name, facts):
            return None
        return Image.of(facts)

    def _pull_stubbornly(self, name: str, say: Say, stop: Stop) -> Image:
        say(f"Pulling image {name}")
        until = time.monotonic() + PULL_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _pull(self._engine, name, stop, until - time.monotonic())
                break
            except ImageError as error:
                if attempt == ATTEMPTS or not error.retry or stop.wait(BACK_OFF_SECONDS * attempt):
                    raise
                say(f"{error} Trying again.")
        if found := self._local(name):
            return found
        raise ImageError(f"The image {name} was pulled, but the engine does not have it.")


def with_tag(name: str) -> str:
    """The name with its tag: `latest` where it has neither tag nor digest."""
    return name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"


def is_named(name: str, facts: dict[str, Any]) -> bool:
    """Whether these facts of an image are really of what `name` says."""
    known = [*(facts.get("RepoTags") or []), *(facts.get("RepoDigests") or [])]
    wanted = _short(name)
    if "@" in wanted and ":" in wanted.partition("@")[0]:
        wanted = re.sub(r":[^@/]*@", "@", wanted)  # the engine keeps a digest without the tag beside it
    return wanted in {_short(one) for one in known}


def is_transient(sentence: str) -> bool:
    """Whether the engine speaks of a network or a registry that may be better soon."""
    return _TRANSIENT.search(sentence) is not None


def _short(name: str) -> str:
    return re.sub(r"^(index\.)?docker\.io/", "", name).removeprefix("library/")


def _pull(engine: Engine, name: str, stop: Stop, seconds: float) -> None:
    repository, _, tag = name.partition("@") if "@" in name else name.rpartition(":")
    try:
        lines = engine.stream("POST", "/images/create", {"fromImage": repository, "tag": tag}, silence=SILENCE_SECONDS)
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
    if status == requests.codes.too_many_requests or _TOO_MANY.search(told):
        return ImageError(
            f"The registry's rate limit refuses {name} for now: use a mirror or an account ({sentence}).", retry=True
        )
    if not is_transient(told) and (status == requests.codes.not_found or _ABSENT.search(told)):
        raise SpecError(f"The image {name} was not found: {sentence}")
    return ImageError(f"The image {name} could not be pulled: {sentence}.", retry=True)
