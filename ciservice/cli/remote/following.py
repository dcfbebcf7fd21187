"""Follows a build: the logs of its steps in the order of reading, as they are printed, to the build's end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import click

from ciservice.cli.local.show import Screen
from ciservice.cli.remote.errors import FAILED, PASSED, WAITS, Denied, Unreachable
from ciservice.cli.remote.finding import Place
from ciservice.cli.remote.http import Json
from ciservice.cli.remote.tables import COLOURS, took

FINAL = frozenset({"passed", "failed", "errored", "cancelled", "skipped"})
GIVE_UP_SECONDS = 120.0  # without a server
_LOOK_SECONDS = 0.5  # at least between two looks
_LOOKS = 20  # for the state of a step whose log has ended
_BEGUN = FINAL - {"skipped"} | {"running"}


class Sink(Protocol):
    """Where it goes."""

    def line(self, step: Json, text: str) -> None:
        """A line that a step printed."""

    def begins(self, step: Json) -> None:
        """Its lines follow."""

    def ended(self, step: Json) -> None:
        """How it ended."""

    def close(self, build: Json) -> None:
        """Nothing more comes."""

    def stop(self) -> None:
        """Nobody looks any more."""


@dataclass
class ForPeople:
    """A screen."""

    screen: Screen

    def line(self, step: Json, text: str) -> None:
        """With the step's name before it."""
        self.screen.line(step["name"], text.rstrip("\r").rsplit("\r", 1)[-1])

    def begins(self, step: Json) -> None:
        """A line of ours, and what runs at the bottom."""
        self.screen.line("", f"== {step['pipeline']}: {step['name']} ==", "bold")
        self.screen.now([step["name"]] if step["state"] == "running" else [])

    def ended(self, step: Json) -> None:
        """Its state, how long it took, and why."""
        self.screen.now([])
        why = step["reason"] or (f"exit code {step['exit_code']}" if step["exit_code"] else "")
        words = " ".join(part for part in (step["state"], took(step["started_at"], step["finished_at"]), why) if part)
        self.screen.line(step["name"], words, COLOURS.get(step["state"], "dim"))

    def stop(self) -> None:
        """Give the terminal back."""
        self.screen.close()

    def close(self, build: Json) -> None:
        """The build's own end."""
        self.screen.close()
        words = f"Build #{build['number']} {build['state']}. {build['reason']}".strip()
        self.screen.line("", f"{words} {build['url']}", COLOURS.get(build["state"], "dim"))


class ForPrograms:
    """A JSON document a line."""

    def line(self, step: Json, text: str) -> None:
        """{"pipeline", "step", "line"}."""
        self._say({"pipeline": step["pipeline"], "step": step["name"], "step_uuid": step["uuid"], "line": text})

    def begins(self, step: Json) -> None:
        """Its lines say it."""

    def ended(self, step: Json) -> None:
        """{"pipeline", "step", "state", "exit_code"}."""
        told = {"state": step["state"], "exit_code": step["exit_code"]}
        self._say({"pipeline": step["pipeline"], "step": step["name"], "step_uuid": step["uuid"], **told})

    def close(self, build: Json) -> None:
        """{"build", "state"}."""
        self._say({"build": build["number"], "state": build["state"], "reason": build["reason"], "url": build["url"]})

    def stop(self) -> None:
        """Nothing is held."""

    def _say(self, document: Json) -> None:
        click.echo(json.dumps(document, ensure_ascii=False))


def exit_code_of(build: Json) -> int:
    """For scripts: 0 passed, 5 a person has to approve, 1 anything else that ended."""
    return {"passed": PASSED, "skipped": PASSED, "waiting": WAITS}.get(build["state"], FAILED)


@dataclass
class Following:
    """One build on its way to a sink. `only`: the name or uuid of the one step that is wanted."""

    place: Place
    uuid: str
    sink: Sink
    only: str = ""
    _printed: set[str] = field(default_factory=set)
    _away_since: float | None = None

    def to_the_end(self) -> Json:
        """Print what is there and what comes, until the build ends or waits for a person; the build then."""
        while True:
            try:
                build = self._build()
                for step in self._new_steps():
                    self._follow(step)
                if build["state"] in FINAL or self._waits_for_a_person(build):
                    return self._ended(build)
                self._wait()
                self._away_since = None
            except Unreachable as error:
                self._be_patient(error)

    def as_it_is(self) -> Json:
        """Print what is there; the build."""
        build = self._build()
        for step in self._new_steps():
            self._print(step)
        return self._ended(build)

    def _ended(self, build: Json) -> Json:
        if self.only and not self._printed:
            raise Denied(f"Build #{build['number']} has no step {self.only} that has run.")
        self.sink.close(build)
        return build

    def _build(self) -> Json:
        return dict(self.place.api.get(f"{self._path}")["build"])

    @property
    def _path(self) -> str:
        return f"{self.place.base}/builds/{self.uuid}"

    def _waits_for_a_person(self, build: Json) -> bool:
        return str(build["state"]) == "waiting"

    def _new_steps(self) -> Iterator[Json]:
        """Those that have begun and are not printed yet, in the order of reading."""
        for step in _leaves(self.place.api.pages(f"{self._path}/steps", "steps", 10_000)):
            wanted = not self.only or self.only in {step["name"], step["uuid"]}
            if wanted and step["uuid"] not in self._printed and step["state"] in _BEGUN:
                yield step

    def _print(self, step: Json) -> None:
        self.sink.begins(step)
        for line in self.place.api.text(f"{self._path}/steps/{step['uuid']}/log"):
            self.sink.line(step, line.decode(errors="replace"))
        self._done(step)

    def _follow(self, step: Json) -> None:
        """Its whole log, as it grows; a connection that breaks off is taken up where it was."""
        if step["state"] in FINAL:
            self._print(step)
            return
        self.sink.begins(step)
        offset, held, over = "", "", False
        while not over:
            try:
                for event in self.place.api.events(f"{self._path}/events?step={step['uuid']}", offset):
                    self._away_since = None
                    if event.name == "log":
                        offset = event.id or offset
                        *lines, held = (held + str(event.data.get("text", ""))).split("\n")
                        for line in lines:
                            self.sink.line(step, line)
                        over = bool(event.data.get("ended"))
                    if over or event.name == "end":
                        over = True
                        break
            except Unreachable as error:
                self._be_patient(error)
        if held:
            self.sink.line(step, held)
        self._done(step)

    def _done(self, step: Json) -> None:
        """The log's end comes a moment before the step's."""
        self._printed.add(step["uuid"])
        for _ in range(_LOOKS):
            if step["state"] in FINAL:
                break
            time.sleep(_LOOK_SECONDS)
            steps = _leaves(self.place.api.pages(f"{self._path}/steps", "steps", 10_000))
            step = next((now for now in steps if now["uuid"] == step["uuid"]), step)
        self.sink.ended(step)

    def _wait(self) -> None:
        """Until anything moves."""
        time.sleep(_LOOK_SECONDS)
        for event in self.place.api.events(f"{self._path}/events"):
            if event.name in {"build", "job", "step", "end"}:
                return
            if event.name == "log" or event.data.get("status") in FINAL:
                return

    def _be_patient(self, error: Unreachable) -> None:
        """Servers are restarted: look again for a while."""
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > GIVE_UP_SECONDS:
            raise error
        time.sleep(min(5.0, 0.5 + (now - self._away_since) / 4))


def _leaves(steps: Iterator[Json]) -> Iterator[Json]:
    for step in steps:
        if step["steps"]:
            yield from _leaves(iter(step["steps"]))
        elif step["type"] not in {"serial", "parallel"}:
            yield step
