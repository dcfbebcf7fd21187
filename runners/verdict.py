"""What ended how: pure functions from errors, orders and results to results, with a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runners.contract import Failure, JobResult, JobSpec, Outcome, StepResult, StepSpec, Stop, StopReason
from runners.errors import CheckoutError, ImageError, RunnerError, SpecError

INTERNAL = "Something of ours broke; the runner's log says what."
_WORST_FIRST = (Outcome.ERRORED, Outcome.FAILED, Outcome.CANCELLED, Outcome.PASSED)
_STOPPED = {
    StopReason.CANCELLED: (Outcome.CANCELLED, None, "Cancelled."),
    StopReason.TIMED_OUT: (Outcome.FAILED, Failure.TIMED_OUT, "Stopped: the time limit passed."),
    StopReason.SILENT: (Outcome.FAILED, Failure.SILENT, "Stopped: no output for too long."),
    StopReason.LOST_LEASE: (Outcome.CANCELLED, Failure.RUNNER_LOST, "Stopped: another attempt has taken over."),
    StopReason.DRAINED: (Outcome.CANCELLED, None, "Stopped: the runner is shutting down."),
}
_SAID_IN_LOG = frozenset(Failure) - {Failure.EXIT_CODE, Failure.RUNNER_LOST}


def is_wanted(step: StepSpec) -> bool:
    """Whether anything of it is to run."""
    return not step.skip and (not step.kind.is_group or any(is_wanted(inner) for inner in step.steps))


def of_error(error: Exception) -> StepResult:
    """The result that an exception of an executor stands for."""
    if isinstance(error, SpecError):
        return StepResult(outcome=Outcome.FAILED, failure=Failure.SPEC, reason=str(error))
    if not isinstance(error, RunnerError):
        return StepResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason=INTERNAL, retry=True)
    failure = Failure.ENGINE
    if isinstance(error, CheckoutError):
        failure = Failure.CHECKOUT
    elif isinstance(error, ImageError):
        failure = Failure.IMAGE
    return StepResult(outcome=Outcome.ERRORED, failure=failure, reason=str(error), retry=error.retry)


def stopped(stop: Stop) -> StepResult | None:
    """The result of something that was ordered to stop; None where nobody did."""
    return None if stop.reason is None else stopped_by(stop.reason)


def stopped_by(order: StopReason, exit_code: int | None = None) -> StepResult:
    """The same, where the order is known. `settle` says its limit."""
    outcome, failure, reason = _STOPPED[order]
    return StepResult(outcome=outcome, failure=failure, exit_code=exit_code, reason=reason)


def settle(result: StepResult, stop: Stop, step: StepSpec, job: JobSpec, *, whole_job: bool) -> StepResult:
    """Let an order explain a result that did not pass: the exit code of a killed command says nothing.

    `whole_job`: the order was given to the job, not to this step alone.
    """
    ordered = stopped(stop)
    if ordered is None or result.outcome is Outcome.PASSED:
        return result
    reason = ordered.reason
    if stop.reason is StopReason.SILENT:
        reason = f"Stopped: no output for {spoken(job.silence_seconds)}."
    elif stop.reason is StopReason.TIMED_OUT:
        limit = job.timeout_seconds if whole_job or step.timeout_seconds is None else step.timeout_seconds
        reason = f"Stopped: the limit of {spoken(limit)} for the {'job' if whole_job else 'step'} passed."
    return replace(result, outcome=ordered.outcome, failure=ordered.failure, reason=reason, retry=False)


def of_group(step: StepSpec, results: Sequence[StepResult]) -> StepResult:
    """The result of a group: the worst of its steps', with the reason of the first that was so bad."""
    worst = _worst(results)
    if worst is None:
        return StepResult(outcome=Outcome.SKIPPED)
    position, result = worst
    if result.outcome is Outcome.PASSED:
        return StepResult(outcome=Outcome.PASSED)
    return StepResult(
        outcome=result.outcome,
        failure=result.failure,
        reason=_named(step.steps[position], result),
        retry=_may_retry(results),
    )


def job_result(job: JobSpec, results: Sequence[StepResult], stop: Stop) -> JobResult:
    """The result of the job. One that was stopped has not passed, unless every step had."""
    worst = _worst(results)
    ordered = stopped(stop)
    if worst is not None and worst[1].outcome in {Outcome.ERRORED, Outcome.FAILED, Outcome.CANCELLED}:
        position, result = worst
        reason = result.reason if ordered else _named(job.pipeline.steps[position], result)
        return JobResult(outcome=result.outcome, failure=result.failure, reason=reason, retry=_may_retry(results))
    through = len(results) == len(job.pipeline.steps) and all(
        result.outcome is Outcome.PASSED or not is_wanted(step)
        for step, result in zip(job.pipeline.steps, results, strict=True)
    )
    if ordered is not None and not through:
        return JobResult(outcome=ordered.outcome, failure=ordered.failure, reason=ordered.reason)
    return JobResult(outcome=Outcome.PASSED)


def last_words(result: StepResult) -> str:
    """What the step's log says at its end, where the output does not say it itself."""
    if result.outcome is Outcome.CANCELLED or result.failure in _SAID_IN_LOG:
        return result.reason
    return ""


def spoken(seconds: int) -> str:
    """A duration for people."""
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds // 60} min"
    return f"{seconds} s"


def _worst(results: Sequence[StepResult]) -> tuple[int, StepResult] | None:
    for outcome in _WORST_FIRST:
        for position, result in enumerate(results):
            if result.outcome is outcome:
                return position, result
    return None


def _may_retry(results: Sequence[StepResult]) -> bool:
    """Another attempt helps where everything that did not pass was ours, and may pass the next time."""
    bad = [result for result in results if result.outcome in {Outcome.ERRORED, Outcome.FAILED, Outcome.CANCELLED}]
    return bool(bad) and all(result.outcome is Outcome.ERRORED and result.retry for result in bad)


def _named(step: StepSpec, result: StepResult) -> str:
    if step.kind.is_group and result.reason:
        return result.reason  # names the step inside already
    said = result.reason or (f"exit code {result.exit_code}" if result.exit_code is not None else result.outcome.value)
    return f"{step.name}: {said}" if step.name else said
