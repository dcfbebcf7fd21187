"""Artifacts and caches of a job, seen by a depot in memory; on the process executor."""

from __future__ import annotations

import contextlib
import dataclasses
import io

import pytest

from runners.contract import CacheSpec, Failure, Outcome, Stop, StopReason
from runners.engine import execute
from runners.errors import RunnerError
from runners.executors import make_executor
from tests.runners.jobs import Recorder, run

PIP = CacheSpec(key="pip-{{ checksum 'lock' }}", paths=("cache",), alike=("pip-",))


class MemoryDepot:
    """Keeps bytes in dicts."""

    def __init__(self):
        self.artifacts: dict[str, bytes] = {}
        self.earlier: dict[str, bytes] = {}
        self.caches: dict[str, bytes] = {}
        self.broken = ""
        self.reports = []

    def report(self, found):
        if self.broken:
            raise RunnerError(self.broken)
        self.reports.append(found)

    def needed(self):
        for path, data in self.earlier.items():
            yield path, contextlib.closing(io.BytesIO(data))

    def keep(self, path, source):
        if self.broken:
            raise RunnerError(self.broken)
        self.artifacts[path] = source.read()

    def restore(self, key, alike):
        for found in (key, *(one for start in alike for one in self.caches if one.startswith(start))):
            if found in self.caches:
                return found, contextlib.closing(io.BytesIO(self.caches[found]))
        return None

    def has(self, key):
        return key in self.caches

    def save(self, key, source):
        self.caches[key] = source.read()


@pytest.fixture
def depot():
    return MemoryDepot()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def go(make_settings, make_job, depot, folder):
    """Executes a job of one script; fields of its pipeline may be given. `go.outputs` have what it printed."""
    executor = make_executor(make_settings("process"))
    executor.open()

    outputs: list[str] = []

    def go(script, *, stop=None, **fields):
        job = make_job(run("one", script), environment={"CI_BRANCH": "main"})
        job = dataclasses.replace(job, pipeline=dataclasses.replace(job.pipeline, **fields))
        recorder = Recorder()
        result = execute(job, executor, recorder, stop or Stop(), depot)
        outputs.append(recorder.text(0))
        return result

    go.outputs = outputs  # type: ignore[attr-defined]
    yield go
    executor.close()


@pytest.mark.parametrize(("code", "outcome"), [(0, Outcome.PASSED), (1, Outcome.FAILED)])
def test_artifacts_are_kept_however_the_job_ended(go, depot, code, outcome):
    result = go(f"mkdir d; echo x > d/r.xml; exit {code}", artifacts=("d", "*.whl"))
    assert (result.outcome, result.notes) == (outcome, ("Artifacts *.whl: nothing matches.",))
    assert depot.artifacts == {"d/r.xml": b"x\n"}


def test_a_job_that_is_cancelled_keeps_nothing(go, depot):
    stop = Stop()
    stop.order(StopReason.CANCELLED)
    go("echo x > a", stop=stop, artifacts=("a",))
    assert depot.artifacts == {}


def test_artifacts_that_cannot_be_kept_are_said_and_change_no_result(go, depot):
    depot.broken = "The storage failed: full"
    result = go("echo x > a", artifacts=("a",))
    assert (result.outcome, result.notes) == (Outcome.PASSED, ("Artifacts a: The storage failed: full",))


def test_a_cache_is_made_once_and_restored(go, depot, folder):
    (folder / "lock").write_text("1")
    assert go("mkdir cache; echo 1 > cache/x", caches=(PIP,)).notes == ()
    (key,) = depot.caches
    assert f"Cache {key}: none yet\n" in go.outputs[-1]
    (folder / "cache/x").unlink()
    assert go("cat cache/x; echo 2 > cache/x", caches=(PIP,)).outcome is Outcome.PASSED
    assert f"Cache {key}: 1 files restored\n1\n" in go.outputs[-1]
    (folder / "lock").write_text("2")
    (folder / "cache/x").unlink()
    go("cat cache/x", caches=(PIP,))
    assert f"Cache {key}: 1 files restored\n1\n" in go.outputs[-1]
    assert len(depot.caches) == 2


def test_a_job_that_failed_saves_no_cache(go, depot):
    go("mkdir cache; echo 1 > cache/x; exit 1", caches=(PIP,))
    assert depot.caches == {}


def test_a_broken_cache_is_said_and_changes_no_result(go, depot):
    depot.caches["k"] = b"nonsense"
    result = go("true", caches=(CacheSpec(key="k", paths=("cache",)),))
    assert result.outcome is Outcome.PASSED
    assert result.notes[0].startswith("The cache k could not be restored: The bundle cannot be read")


def test_a_key_that_cannot_be_is_the_projects_mistake(go):
    result = go("true", caches=(CacheSpec(key="{{ checksum '../x' }}", paths=("cache",)),))
    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert "cannot be used" in result.reason


def test_what_others_kept_is_there_and_follows_no_link(go, depot, folder, tmp_path):
    (folder / "out").symlink_to(tmp_path)
    depot.earlier = {"dist/a/b.txt": b"from before", "out/x": b"no"}
    result = go("cat dist/a/b.txt", needs=("build",))
    assert result.notes[0].startswith("The artifacts of an earlier pipeline could not be fetched")
    assert not (tmp_path / "x").exists()
    depot.earlier.pop("out/x")
    assert go("grep before dist/a/b.txt").outcome is Outcome.PASSED


REPORT = '<testsuite><testcase name="adds" time="1"/><testcase name="{}"><failure message="{}"/></testcase></testsuite>'


@pytest.mark.parametrize(("code", "outcome"), [(0, Outcome.PASSED), (1, Outcome.FAILED)])
def test_reports_of_tests_are_read_however_the_job_ended(go, depot, code, outcome):
    result = go(f"echo '{REPORT.format('a', 'b')}' > r.xml; exit {code}", tests=("r.xml",))
    assert (result.outcome, result.notes) == (outcome, ())
    (found,) = depot.reports
    assert (found.passed, found.failed, found.bad[0].name) == (1, 1, "a")


def test_a_report_that_is_none_is_a_note_and_fails_nothing(go, depot):
    result = go("echo '<!DOCTYPE a []><testsuite/>' > r.xml", tests=("r.xml", "*.trx"))
    assert result.outcome is Outcome.PASSED
    assert [note.partition(":")[0] for note in result.notes] == ["Test report r.xml", "Test reports *.trx"]
    assert depot.reports == []


def test_reports_that_cannot_be_kept_are_a_note(go, depot):
    depot.broken = "The storage failed."
    result = go(f"echo '{REPORT.format('a', 'b')}' > r.xml", tests=("r.xml",))
    assert result.notes == ("The reports of tests could not be kept: The storage failed.",)
