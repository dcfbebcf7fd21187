"""Runs one job: walks its tree of steps in an executor's workspace, and tells the observer. The same on every executor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from runners.approval import awaiting, until_approved
from runners.contract import (
    Depot,
    Executor,
    Failure,
    JobResult,
    JobSpec,
    Observer,
    Outcome,
    Output,
    StepKind,
    StepPath,
    StepResult,
    StepSpec,
    Stop,
    StopReason,
    Workspace,
)
from runners.delivering import deliver
from runners.errors import RunnerError, SpecError
from runners.masking import Masker
from runners.outliving import Outliving
from runners.refusals import Refusals
from runners.splitting import NOTHING_TO_DO, hand_out
from runners.steplog import Preparation, StepLog
from runners.verdict import INTERNAL, is_wanted, job_result, last_words, of_error, of_group, settle, stopped
from runners.watchdog import Watchdog

logger = logging.getLogger(__name__)

# Who stops a job so wants nothing more of it, or has it run again.
_NOTHING_KEPT = frozenset({StopReason.CANCELLED, StopReason.LOST_LEASE, StopReason.DRAINED})
MOST_THREADS = 64  # of one job; a wider tree runs so many steps at a time


def execute(job: JobSpec, executor: Executor, observer: Observer, stop: Stop, depot: Depot | None = None) -> JobResult:
    """Run every step and block until the last has ended and the workspace is gone.

    Serial steps run in order up to the first that fails, parallel ones together; what is not reached is reported
    SKIPPED. What a failed step has under `on_fail` runs then, and changes no result. Manual groups are left out until
    the job is approved. Never raises for what a project, an executor or an observer does: the result says whose fault
    it was.
    """
    job, waits = until_approved(job)
    try:
        with Watchdog() as watchdog, _child(stop) as its_stop:
            walk = _Walk(job, executor, observer, its_stop, watchdog, depot)
            with watchdog.watching(its_stop, seconds=job.timeout_seconds):
                return awaiting(walk.run(), is_asked=waits)
    except Exception:  # the edge of a job: an observer that cannot write, or a mistake of ours
        logger.exception("job broke job=%s epoch=%s", job.job_id, job.epoch)
        return JobResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason=INTERNAL, retry=True)


@contextmanager
def _child(stop: Stop) -> Iterator[Stop]:
    child = stop.child()
    try:
        yield child
    finally:
        child.leave()


class _Walk:
    """One job on its way."""

    def __init__(
        self,
        job: JobSpec,
        executor: Executor,
        observer: Observer,
        stop: Stop,
        watchdog: Watchdog,
        depot: Depot | None,
    ) -> None:
        self._job, self._executor, self._observer = job, executor, observer
        self._stop, self._watchdog, self._depot = stop, watchdog, depot
        # Made once: every step's log has its own state of it.
        self._masker = Masker([*job.secrets.values(), *job.secret_files.values(), job.key])
        self._refusals = Refusals(job.pipeline)
        self._preparation = Preparation()
        self._workspace: Workspace | None = None
        self._threads = threading.Semaphore(MOST_THREADS - 1)
        self._broken: StepResult | None = None  # why there is no workspace
        self._share: dict[str, str] = {}  # variables that say which tests are this copy's

    def run(self) -> JobResult:
        steps = self._job.pipeline.steps
        if self._stop.reason is not None or not any(is_wanted(step) for step in steps):
            return job_result(self._job, self._serial((), steps), self._stop)
        results: list[StepResult] | None = None
        notes: tuple[str, ...] = ()
        try:
            with self._open() as workspace:
                self._workspace = workspace
                has_share = self._take_share(workspace)
                files = self._bring(workspace) if has_share else None
                results = self._serial((), steps) if has_share else self._leave_all_out(NOTHING_TO_DO)
                if files is not None:
                    notes = self._keep(files, results)
        except Exception as error:  # whatever an executor does wrong is a result
            if self._workspace is None:
                self._broken = self._of_error(error)
                results = self._serial((), steps)
            if results is None:
                raise  # not the executor: the observer
            if self._broken is None:  # only the cleaning up failed: a sweep will do it again
                logger.exception("workspace not left cleanly job=%s", self._job.name)
        return replace(job_result(self._job, results, self._stop), notes=notes)

    def _take_share(self, workspace: Workspace) -> bool:
        """Find out which of the tests are this copy's, before anything is laid out beside them; whether there are any."""
        if self._job.pipeline.split is None or workspace.folder is None:
            return True
        try:
            share = hand_out(self._job.pipeline.split, workspace.folder, self._preparation.write)
        except (SpecError, RunnerError) as error:
            self._broken = self._of_error(error)
            return True
        self._share = share or {}
        return share is not None

    def _bring(self, workspace: Workspace) -> Outliving | None:
        """Lay out what comes from before the job; where that is the project's mistake, no step runs."""
        if self._depot is None or workspace.folder is None or self._broken is not None:
            return None
        files = Outliving(self._job, workspace.folder, self._depot, self._masker.whole)
        try:
            files.bring(self._preparation.write)
        except SpecError as error:
            self._broken = self._of_error(error)
            return None
        return files

    def _keep(self, files: Outliving, results: Sequence[StepResult]) -> tuple[str, ...]:
        if self._stop.reason not in _NOTHING_KEPT:
            files.keep(passed=job_result(self._job, results, self._stop).outcome is Outcome.PASSED)
        return tuple(self._masker.whole(note) for note in files.notes)

    def _open(self) -> AbstractContextManager[Workspace]:
        return self._executor.workspace(self._job, self._stop, self._preparation.write, self._masker.learn)

    # Every method below takes the path of the step or group it is about.

    def _serial(self, path: StepPath, steps: Sequence[StepSpec], first: int = 0) -> list[StepResult]:
        """`first`: where the steps stand below the path."""
        results = []
        obstacle = ""
        for position, step in enumerate(steps, first):
            where = (*path, position)
            result = self._leave_out(where, step, obstacle) if obstacle else self._step(where, step)
            results.append(result)
            if not obstacle and result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}:
                obstacle = f"“{step.name}” did not pass"
        return results

    def _parallel(self, path: StepPath, steps: Sequence[StepSpec]) -> list[StepResult]:
        """All together, each in a thread of its own while there are threads; the rest one after another in this one."""
        futures: list[Future[StepResult]] = []
        threads = []
        for position, step in enumerate(steps):
            future: Future[StepResult] = Future()
            futures.append(future)
            work = self._settling(future, (*path, position), step)
            thread = None if position == len(steps) - 1 else self._thread(work, f"step-{position}")
            if thread is None:
                work()
            else:
                threads.append(thread)
        for thread in threads:
            thread.join()
        return [future.result() for future in futures]

    def _settling(self, future: Future[StepResult], path: StepPath, step: StepSpec) -> Callable[[], None]:
        """The step as work for a thread: its result or its exception ends up in the future."""

        def work() -> None:
            try:
                future.set_result(self._step(path, step))
            except BaseException as error:  # noqa: BLE001 -- raised again by who waits for the future
                # The observer broke: what runs beside is run for nobody.
                self._stop.order(StopReason.LOST_LEASE)
                future.set_exception(error)

        return work

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread | None:
        """A started thread; None where the job has enough of them, or the machine has no more."""
        if not self._threads.acquire(blocking=False):
            return None
        thread = threading.Thread(target=self._with_thread, args=(work,), name=name)
        try:
            thread.start()
        except RuntimeError:
            self._threads.release()
            return None
        return thread

    def _with_thread(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._threads.release()

    def _step(self, path: StepPath, step: StepSpec) -> StepResult:
        if not is_wanted(step):
            return self._leave_out(path, step, step.skip or "none of its steps runs")
        if self._stop.reason is not None:
            return self._leave_out(path, step, "the job was stopped before it began")
        result = self._group(path, step) if step.kind.is_group else self._run(path, step)
        if result.outcome is Outcome.FAILED:
            self._serial(path, step.on_fail, len(step.steps))
        else:
            self._leave_out_below(path, step.on_fail, f"only where “{step.name}” fails", len(step.steps))
        if step.allow_failure and result.outcome is Outcome.FAILED:
            return replace(result, outcome=Outcome.PASSED)  # for what follows; it was told to have failed
        return result

    def _group(self, path: StepPath, step: StepSpec) -> StepResult:
        self._observer.step_started(path, step)
        results = self._serial(path, step.steps) if step.kind is StepKind.SERIAL else self._parallel(path, step.steps)
        result = of_group(step, results)
        self._observer.step_finished(path, step, result)
        return result

    def _leave_all_out(self, reason: str) -> list[StepResult]:
        return [self._leave_out((position,), step, reason) for position, step in enumerate(self._job.pipeline.steps)]

    def _leave_out(self, path: StepPath, step: StepSpec, reason: str) -> StepResult:
        """Report it and everything below as skipped; a reason of its own goes before what came in the way."""
        result = StepResult(outcome=Outcome.SKIPPED, reason=step.skip or reason)
        self._leave_out_below(path, step.below, result.reason)
        self._observer.step_finished(path, step, result)
        return result

    def _leave_out_below(self, path: StepPath, steps: Sequence[StepSpec], reason: str, first: int = 0) -> None:
        for position, step in enumerate(steps, first):
            self._leave_out((*path, position), step, reason)

    def _run(self, path: StepPath, step: StepSpec) -> StepResult:
        self._observer.step_started(path, step)
        with _child(self._stop) as stop:
            log = StepLog(
                self._masker.anew(),
                lambda data: self._observer.output(path, data),
                lambda: stop.order(StopReason.LOST_LEASE),
            )
            log.write(self._preparation.take())
            result = self._tries(step, log, stop)
            log.close("" if stop.reason is StopReason.LOST_LEASE else last_words(result))
            if log.is_broken:
                reason = "The step's log could not be kept."
                result = StepResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason=reason, retry=True)
        self._observer.step_finished(path, step, result)
        return result

    def _tries(self, step: StepSpec, log: StepLog, stop: Stop) -> StepResult:
        """Run it, and again as often as it says while it fails by itself."""
        for number in range(1, step.retries + 2):
            with _child(stop) as its_stop:
                result = self._attempt(step, log, its_stop)
                result = settle(result, its_stop, step, self._job, whole_job=self._stop.reason is not None)
            if result.outcome is not Outcome.FAILED or result.failure is Failure.SPEC or stop.reason is not None:
                break
            if number <= step.retries:
                log.write(f"\n{result.reason}: try {number + 1} of {step.retries + 1}\n".encode())
        return result

    def _attempt(self, step: StepSpec, log: StepLog, stop: Stop) -> StepResult:
        if self._broken is not None or self._workspace is None:
            return self._broken or self._of_error(RunnerError("There is no workspace."))
        with self._watchdog.watching(stop, seconds=step.timeout_seconds, silence=self._job.silence_seconds) as watch:

            def hear(data: bytes) -> None:
                watch.touch()
                log.write(data)

            try:
                self._refusals.check(step)
                step = replace(step, environment={**self._share, **step.environment}) if self._share else step
                result = self._perform(self._workspace, step, hear, stop)
            except Exception as error:  # noqa: BLE001 -- the edge to the executor; `_of_error` logs
                return stopped(stop) or self._of_error(error)
        return self._masked(result)

    def _perform(self, workspace: Workspace, step: StepSpec, hear: Output, stop: Stop) -> StepResult:
        if step.kind is StepKind.DEPLOY and workspace.folder is not None:
            return deliver(self._job, step, workspace.folder, hear, stop)
        return workspace.run(step, hear, stop)

    def _of_error(self, error: Exception) -> StepResult:
        if not isinstance(error, RunnerError | SpecError):
            logger.error("executor broke job=%s epoch=%s", self._job.job_id, self._job.epoch, exc_info=error)
        return self._masked(stopped(self._stop) or of_error(error))

    def _masked(self, result: StepResult) -> StepResult:
        return replace(result, reason=self._masker.whole(result.reason))
