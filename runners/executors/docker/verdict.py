"""How a step ended, in the contract's words: from the exit code and the engine's facts."""

from __future__ import annotations

import re

from runners.contract import Failure, Outcome, StepResult
from runners.errors import EngineError, SpecError

KILLED = frozenset({137, 143})  # by SIGKILL and SIGTERM
NOT_FOUND, NOT_RUNNABLE = 127, 126

OUT_OF_MEMORY_WARNING = "Warning: a process of this step was ended because the step's memory was used up."

_MEANINGS = {
    NOT_FOUND: "the command was not found",
    NOT_RUNNABLE: "the command cannot be executed",
    137: "it was killed",
    143: "it was terminated",
}


class StepFailed(Exception):
    """Carries the result of a step that failed before its command could run."""

    def __init__(self, result: StepResult) -> None:
        super().__init__(result.reason)
        self.result = result


def exited(exit_code: int, image: str, *, out_of_memory: bool = False) -> StepResult:
    """After the command ended by itself."""
    if exit_code == 0:
        return StepResult(outcome=Outcome.PASSED, exit_code=0, image_digest=image)
    if out_of_memory:
        return StepResult(
            outcome=Outcome.FAILED,
            failure=Failure.OUT_OF_MEMORY,
            exit_code=exit_code,
            image_digest=image,
            reason=f"Ran out of memory (exit code {exit_code}): it needs more than this runner gives a step.",
        )
    meaning = _MEANINGS.get(exit_code)
    return StepResult(
        outcome=Outcome.FAILED,
        failure=Failure.EXIT_CODE,
        exit_code=exit_code,
        image_digest=image,
        reason=f"Exit code {exit_code}: {meaning}." if meaning else f"Exit code {exit_code}.",
    )


def service_failed(reason: str) -> StepFailed:
    """A service beside the step could not be had, so the step's command did not run."""
    return StepFailed(StepResult(outcome=Outcome.FAILED, failure=Failure.EXIT_CODE, reason=reason))


def outage() -> EngineError:
    """The container was ended by somebody who is neither the project nor us."""
    return EngineError("The Docker engine was restarted, or something on the runner's machine ended the container.")


# The engine says all of this with one status (500 or 400) and a sentence: texts are matched here and nowhere else.
_COMMANDS = (
    (re.compile(r"executable file not found|exec: .*no such file or directory|stat .*: no such file"), NOT_FOUND),
    (re.compile(r"exec: .*permission denied|exec format error|exec: .*is a directory"), NOT_RUNNABLE),
)
_SPECS = re.compile(
    r"unable to find (user|group)|no matching entries in passwd|not a directory|trying to mount|invalid mount|"
    r"mount destination|chdir to cwd|invalid hostname|invalid environment|argument list too long|"
    r"working directory|No command specified|Duplicate mount point|invalid reference format|add-host",
    re.IGNORECASE,
)


def refused_to_start(sentence: str) -> tuple[int, str]:
    """The exit code that `docker run` would give, and the sentence, where the command cannot be started.

    SpecError where the project asks for what cannot be; EngineError for everything else.
    """
    sentence = sentence.replace(": unknown", "")
    for pattern, exit_code in _COMMANDS:
        if pattern.search(sentence):
            return exit_code, sentence
    if _SPECS.search(sentence):
        raise SpecError(f"The container cannot be started: {sentence}")
    raise EngineError(f"Docker could not start the container: {sentence}")
