"""Steps in short, and an observer that remembers."""

from __future__ import annotations

import threading

from runners.contract import StepKind, StepPath, StepResult, StepSpec


class Recorder:
    """An observer that keeps all it hears: events in order, output and result a step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.events: list[tuple[str, str]] = []  # (what, name of the step)
        self.outputs: dict[StepPath, bytes] = {}
        self.results: dict[StepPath, StepResult] = {}
        self.names: dict[StepPath, str] = {}

    def step_started(self, path: StepPath, step: StepSpec) -> None:
        with self._lock:
            self.names[path] = step.name
            self.events.append(("started", step.name))

    def output(self, path: StepPath, data: bytes) -> None:
        with self._lock:
            self.outputs[path] = self.outputs.get(path, b"") + data

    def step_finished(self, path: StepPath, step: StepSpec, result: StepResult) -> None:
        with self._lock:
            assert path not in self.results, f"{path} finished twice"
            self.names[path] = step.name
            self.results[path] = result
            self.events.append(("finished", step.name))

    def text(self, *path: int) -> str:
        return self.outputs.get(path, b"").decode()

    def result(self, name: str) -> StepResult:
        return next(self.results[path] for path, its_name in self.names.items() if its_name == name)


def run(name: str, script: str, **fields) -> StepSpec:
    """A run step."""
    return StepSpec(name=name, script=script, **fields)


def serial(name: str, *steps: StepSpec, **fields) -> StepSpec:
    return StepSpec(name=name, kind=StepKind.SERIAL, steps=steps, **fields)


def parallel(name: str, *steps: StepSpec, **fields) -> StepSpec:
    return StepSpec(name=name, kind=StepKind.PARALLEL, steps=steps, **fields)
