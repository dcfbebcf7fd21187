"""The configuration of a checkout on this machine, and the plan that it makes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from builds.pipeline import codeship
from builds.pipeline.make import CANDIDATES, make
from builds.pipeline.plan import ConfigError, Plan, PlanContext, Problem
from ciservice.cli.local.errors import Trouble
from runners.contract import ServiceSpec, Unreadable

LARGEST_BYTES = 1024 * 1024
_STEPS, _SERVICES = "codeship-steps.yml", "codeship-services.yml"


@dataclass(frozen=True)
class Files:
    """Which files of a checkout are to be used. CodeShip's own are, where a path is given or `is_codeship`."""

    folder: Path
    services_path: Path | None = None
    steps_path: Path | None = None
    is_codeship: bool = False

    def plan(self, context: PlanContext) -> Plan:
        """What the checkout runs. ConfigError with the names that the person gave."""
        found = self._candidates()
        if not (self.services_path or self.steps_path or self.is_codeship):
            return make(found, context)
        steps = str(self.steps_path or codeship.find_steps(found) or _STEPS)
        text = found.get(steps) if self.steps_path is None else None
        return self._codeship_plan(steps, text if text is not None else self._must_read(steps), found, context)

    def services(self, name: str, context: PlanContext) -> tuple[ServiceSpec, ...]:
        """The service of this name with all that it needs, whatever the steps are. ConfigError."""
        found = self._candidates()
        beside = codeship.find_steps(found) or _STEPS
        steps = json.dumps([{"name": name, "service": name, "command": "true"}])
        try:
            plan = self._codeship_plan(beside, steps, found, context)
        except ConfigError as error:
            # The steps are ours: no place in them helps.
            raise ConfigError(
                [Problem(text=one.text) if one.file == beside else one for one in error.problems]
            ) from None
        return plan.pipelines[0].services

    def _codeship_plan(
        self, steps: str, text: str | Unreadable, found: Mapping[str, str | Unreadable], context: PlanContext
    ) -> Plan:
        """The plan of a pair of files, whatever they are called: the reader knows them by CodeShip's names."""
        services = self._inside(self.services_path) if self.services_path else codeship.find_services(found, steps)
        if not services:
            raise Trouble(f"There is no {_SERVICES} in {self.folder}: add one, or name it with --services-path.")
        services_text = self._must_read(services) if self.services_path else found[services]
        folder = str(Path(services).parent)
        beside = "" if folder == "." else f"{folder}/"
        names = {f"{beside}{_STEPS}": steps, f"{beside}{_SERVICES}": services}
        with _named(names):
            files = {f"{beside}{_STEPS}": text, f"{beside}{_SERVICES}": services_text}
            plan = codeship.make_plan(files, f"{beside}{_STEPS}", context)
        warnings = tuple(replace(one, file=names.get(one.file, one.file)) for one in plan.warnings)
        return replace(plan, source=steps, warnings=warnings)

    def _inside(self, path: Path) -> str:
        """The path as seen from the checkout: what a services file names lies beside it, and no step sees more."""
        try:
            return str((self.folder / path).resolve().relative_to(self.folder.resolve()))
        except ValueError:
            raise Trouble(f"{path} is outside of {self.folder.absolute()}: name that folder with --dir.") from None

    def _candidates(self) -> dict[str, str | Unreadable]:
        return {name: text for name in CANDIDATES if (text := self._read(name)) is not None}

    def _must_read(self, name: str) -> str | Unreadable:
        text = self._read(name)
        if text is None:
            raise Trouble(f"There is no {name} in {self.folder.absolute()}.")
        return text

    def _read(self, name: str) -> str | Unreadable | None:
        path = self.folder / name
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST_BYTES:
            return Unreadable(f"it is larger than {LARGEST_BYTES // 1024} KiB")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return Unreadable("it holds characters that are not UTF-8")
        except OSError as error:
            return Unreadable(error.strerror or "it cannot be read")


@contextmanager
def _named(names: Mapping[str, str]) -> Iterator[None]:
    """Problems get the names of the files as they are here."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError([replace(one, file=names.get(one.file, one.file)) for one in error.problems]) from None
