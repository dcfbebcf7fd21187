"""One release on one host: sent, made ready, switched to, checked, and switched back where it is bad."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.durations import seconds
from runners.targets.filling import names_in
from runners.targets.ssh import scripts
from runners.targets.ssh.host import Host, Ran
from runners.targets.ssh.settings import Settings

CHECK_EVERY_SECONDS = 2.0
PROGRESS_SECONDS = 10.0
_NAME = re.compile(r"([0-9]+)-[0-9a-f]*")


@dataclass(frozen=True, kw_only=True)
class State:
    """What is on a host. Names of releases; "" = none."""

    link: str = ""  # where the link leads, as it says; before our first release that may be anywhere
    current: str = ""  # the release it leads to
    live: str = ""  # the last that was restarted and checked
    there: frozenset[str] = frozenset()
    ready: frozenset[str] = frozenset()


def name_of(delivery: Delivery) -> str:
    """What a release's folder is called."""
    name = f"{delivery.release}-{delivery.commit[:7]}"
    if not _NAME.fullmatch(name):
        raise TargetError(f"“{name[:80]}” is no release's number and commit.")
    return name


def number_of(name: str) -> str:
    """The number in a folder's name; "" for what is no release of ours."""
    found = _NAME.fullmatch(name)
    return found[1] if found else ""


def state_of(host: Host, settings: Settings) -> State:
    """Look, and change nothing. TargetError where the place is taken."""
    lines: list[str] = []
    _expect(host.run(scripts.state(settings.to), on_line=lines.append), host, "it cannot be looked at")
    found: dict[str, list[str]] = {}
    for line in lines:
        word, _, name = line.partition(" ")
        found.setdefault(word, []).append(name)
    if "blocked" in found:
        raise TargetError(f"{host.name}: {settings.to}/current is no link. Move it away, or deploy to another folder.")
    link = _one(found.get("current"))
    current = link.removeprefix(f"{settings.to}/").removeprefix("releases/").rstrip("/")
    return State(
        link=link,
        current=current if number_of(current) else "",
        live=_one(found.get("live")),
        there=frozenset(name for name in found.get("release", ()) if number_of(name)),
        ready=frozenset(name for name in found.get("ready", ()) if number_of(name)),
    )


class Release:
    """On its way to one host. `position` counts the hosts of the target from 0."""

    def __init__(self, host: Host, position: int, settings: Settings, delivery: Delivery, tell: Tell) -> None:
        self.host, self._settings, self._delivery = host, settings, delivery
        self._position = position
        self._name = name_of(delivery)
        self._tell: Tell = lambda line: tell(f"[{host.name}] {line}")
        self._state = state_of(host, settings)

    @property
    def is_there(self) -> bool:
        """Whether its files need not be sent."""
        return self._name in self._state.there

    @property
    def is_live(self) -> bool:
        """Whether nothing is left to do."""
        return self._state.current == self._state.live == self._name

    @property
    def _before(self) -> str:
        """Where the link led: an attempt that was broken off may have switched it, and gone no further."""
        if self._state.current != self._name:
            return self._state.link
        live = self._state.live
        return f"releases/{live}" if live != self._name and live in self._state.there else ""

    def send(self, read: Callable[[int], bytes], size: int) -> None:
        """Its files, into a folder that gets its name when all of them are there."""
        partial = f".partial-{self._name}-{secrets.token_hex(4)}"
        script = scripts.receive(self._settings.to, partial, self._name, self._settings.shared)
        ran = self.host.feed(script, read, self._progress(size))
        _expect(ran, self.host, f"release {self._name} cannot be put into {self._settings.to}")
        self._tell(f"release {self._name} is there")

    def make_ready(self) -> None:
        """Run `before` in it, once."""
        if self.is_there and self._name in self._state.ready:
            return
        self._command("before", self._settings.before, self._name)
        if self._settings.before:
            self._note(scripts.ready(self._settings.to, self._name))

    def go_live(self) -> None:
        """Switch, restart, check; where that fails, back to what ran before. TargetError."""
        before = self._before
        note = f"{self._name} release {self._delivery.release} to {self._delivery.environment}"
        # Where nothing comes after it, the switch is all.
        is_all = not self._settings.restart and not self._settings.check
        self._switch(f"releases/{self._name}", note, scripts.live(self._settings.to, self._name) if is_all else "")
        self._tell(f"switched to {self._name}" + (f" from {_shown(before)}" if before else ""))
        try:
            self._command("restart", self._settings.restart, self._name)
            self._check()
            if not is_all:
                self._note(scripts.live(self._settings.to, self._name))
        except TargetError as error:
            raise TargetError(f"{error} {self._go_back(before)}") from None
        self._tell(f"{self._name} is live")

    def prune(self) -> None:
        """Remove the oldest releases beyond those that are kept, and never one that runs or ran before."""
        spared = {self._name, self._state.current, self._state.live}
        old = sorted(self._state.there | {self._name}, key=lambda name: int(number_of(name)))
        gone = [
            name
            for name in old[: -self._settings.keep]
            if name not in spared and number_of(name) != self._delivery.previous
        ]
        if gone:
            ran = self.host.run(scripts.prune(self._settings.to, gone))
            self._tell(f"removed {', '.join(gone)}" if ran.code == 0 else f"old releases stay: {ran.last}")

    def _switch(self, link: str, note: str, then: str = "") -> None:
        ran = self.host.run(scripts.switch(self._settings.to, link, note) + then)
        _expect(ran, self.host, f"the link cannot be switched to {_shown(link)}")

    def _note(self, script: str) -> None:
        _expect(self.host.run(script), self.host, "its state cannot be written")

    def _go_back(self, before: str) -> str:
        """What became of it, as a sentence."""
        try:
            if not before:
                self.host.run(scripts.unlink(self._settings.to))
                return "It was the first release there: nothing runs."
            self._switch(before, f"{_shown(before)} back from release {self._delivery.release}")
            self._command("restart", self._settings.restart, _shown(before))
        except TargetError as error:
            return f"And it could not be switched back to {_shown(before)}: {error}"
        return f"That host was switched back to {_shown(before)}."

    def _command(self, called: str, text: str, name: str) -> None:
        if not text:
            return
        where = f"releases/{name}" if name == self._name else "current"
        script = scripts.command(f"{self._settings.to}/{where}", text, self._variables(text, name))
        try:
            ran = self.host.run(script, seconds=seconds(self._settings.within), on_line=self._tell)
        except TargetError as error:
            raise TargetError(f"`{called}`: {error}") from None
        if ran.code:
            raise TargetError(f"{self.host.name}: `{called}` {_ended(ran)}.")

    def _check(self) -> None:
        """Tried until it succeeds."""
        text = self._settings.check
        if not text:
            return
        where = f"{self._settings.to}/releases/{self._name}"
        script = scripts.command(where, text, self._variables(text, self._name))
        end = time.monotonic() + seconds(self._settings.check_within)
        while True:
            said = self._tried(script, max(end - time.monotonic(), 1.0))
            if not said:
                self._tell("`check` passed")
                return
            if time.monotonic() + CHECK_EVERY_SECONDS > end:
                limit = self._settings.check_within
                raise TargetError(f"{self.host.name}: `check` did not succeed within {limit}: {said}.")
            time.sleep(CHECK_EVERY_SECONDS)

    def _tried(self, script: str, limit: float) -> str:
        """What was wrong with it; "" = nothing."""
        try:
            ran = self.host.run(script, seconds=limit)
        except TargetError as error:
            return str(error).rstrip(".")
        return f"{_ended(ran)}: {ran.last}" if ran.code else ""

    def _variables(self, text: str, name: str) -> Mapping[str, str]:
        """For shell text: what a step's commands would see, about the release `name`; and what the text itself names."""
        values, delivery = self._delivery.values, self._delivery
        is_it = name == self._name
        return {
            **{name: values[name] for name in sorted(values) if name.startswith("CI_") and name.isidentifier()},
            **{name: values[name] for name in sorted(names_in(text)) if name in values},
            "CI": "true",
            "CI_ENVIRONMENT": delivery.environment,
            "CI_RELEASE": number_of(name),
            "CI_PREVIOUS_RELEASE": delivery.previous if is_it else delivery.release,
            "CI_COMMIT_ID": delivery.commit if is_it else name.partition("-")[2] if number_of(name) else "",
            "CI_ROLLBACK": "true" if delivery.is_rollback or not is_it else "false",
            "CI_HOST": self.host.name,
            "CI_HOST_INDEX": str(self._position),
        }

    def _progress(self, size: int) -> Callable[[int], None]:
        """Told now and then: who prints nothing for long is stopped."""
        sent, told_at = 0, time.monotonic()

        def count(more: int) -> None:
            nonlocal sent, told_at
            sent += more
            if time.monotonic() - told_at > PROGRESS_SECONDS:
                told_at = time.monotonic()
                self._tell(f"{sent * 100 // max(size, 1)} % of {size >> 20} MiB sent")

        return count


def _ended(ran: Ran) -> str:
    return "was killed" if ran.code < 0 else f"ended with exit code {ran.code}"


def _expect(ran: Ran, host: Host, otherwise: str) -> None:
    if ran.code:
        raise TargetError(f"{host.name}: {otherwise}: {ran.last}.")


def _shown(link: str) -> str:
    return link.removeprefix("releases/")


def _one(found: list[str] | None) -> str:
    return found[0].strip() if found else ""
