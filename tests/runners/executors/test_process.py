"""What the process executor does beyond the contract: its sandbox, its services, and cleaning up after a lost runner."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from runners.contract import Link, Outcome, ServiceSpec, StepSpec, Stop, StopReason
from runners.engine import execute
from runners.errors import EngineError, SpecError
from runners.executors.bubblewrap import MARK
from runners.executors.child import marked
from runners.executors.process import ProcessExecutor
from runners.trees import remove_tree
from runners.walls import walls_stand
from tests.runners.checkout.repositories import Repository
from tests.runners.jobs import run
from tests.servers import command_lines, wait_until


@pytest.fixture(scope="module")
def sandboxes() -> bool:
    return walls_stand()


@pytest.fixture(params=["sandboxed", "bare"])
def executor(request, make_settings, sandboxes, monkeypatch):
    """With bubblewrap, and as on a machine without it."""
    if request.param == "sandboxed" and not sandboxes:
        pytest.skip("bubblewrap is not installed or may not make namespaces here")
    executor = ProcessExecutor(make_settings("process"))
    if request.param == "bare":
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    executor.open()
    return executor


walled = pytest.mark.parametrize("executor", ["sandboxed"], indirect=True)


@pytest.fixture
def perform(executor, make_job):
    """Runs one step: (result, output)."""

    def perform(step: StepSpec, **fields):
        heard: list[bytes] = []
        job = make_job(step, **fields)
        with executor.workspace(job, Stop(), heard.append) as workspace:
            result = workspace.run(step, heard.append, Stop())
        return result, b"".join(heard).decode()

    return perform


def test_a_job_on_a_repository_sees_its_checkout(executor, make_job, recorder, tmp_path):
    repository = Repository(tmp_path / "git")
    repository.commit(file="1")
    repository.tag("v1.0")
    commit = repository.commit("Second", file="2")
    script = "cat file; echo; git describe --tags; git status --short; git rev-parse HEAD; pwd"

    result = execute(make_job(run("look", script), source=repository.source(commit)), executor, recorder, Stop())

    assert result.outcome is Outcome.PASSED
    lines = recorder.text(0).splitlines()
    assert lines[0] == "2"
    assert lines[1].startswith("v1.0-1-g")
    assert lines[2] == commit
    assert list(executor.settings.workspaces.iterdir()) == []


def test_a_commit_that_is_not_there_is_our_error(executor, make_job, recorder, tmp_path):
    source = Repository(tmp_path / "git").source("f" * 40)

    result = execute(make_job(run("look", "true"), source=source), executor, recorder, Stop())

    assert result.outcome is Outcome.ERRORED
    assert "not in the repository" in recorder.text(0)


def test_the_runners_own_environment_stays_outside(perform, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "of the service")

    _, output = perform(run("env", "env"))

    names = {line.partition("=")[0] for line in output.splitlines()}
    assert names <= {
        *("PATH", "HOME", "TMPDIR", "LANG", "PWD", "OLDPWD", "SHLVL", "_", MARK),
        *("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"),
    }


def test_home_and_tmp_are_the_jobs_own(perform):
    result, output = perform(run("write", "echo x > ~/f; echo y > $TMPDIR/f; cat ~/f $TMPDIR/f"))

    assert (result.outcome, output) == (Outcome.PASSED, "x\ny\n")


def test_a_program_that_a_signal_ends(perform):
    result, _ = perform(run("die", "kill -9 $$"))

    assert result.exit_code == 137


def test_a_command_is_argv_not_shell(perform):
    _, output = perform(StepSpec(name="argv", command=("printf", "%s|", "a b", "$HOME", ";", "`id`")))

    assert output == "a b|$HOME|;|`id`|"


def test_a_service_without_dependencies_is_a_command_with_its_environment(perform):
    service = ServiceSpec(name="app", image="python:3.12", environment={"WHO": "service"}, command=("false",))

    result, output = perform(StepSpec(name="x", service="app", command=("sh", "-c", "echo $WHO")), services=[service])

    assert (result.outcome, output) == (Outcome.PASSED, "service\n")


def test_a_service_with_env_files_and_an_entrypoint(perform, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project/app.env").write_text("WHO=file\n")
    service = ServiceSpec(
        name="app", image="x", environment={"WHO": "service"}, env_files=("app.env",), entrypoint=("sh", "-c")
    )

    _, output = perform(StepSpec(name="x", service="app", command=("echo $WHO",)), services=[service])

    assert output == "file\n"


@pytest.mark.parametrize("fields", [{"depends_on": (Link(service="db"),)}, {"add_docker": True}])
def test_a_service_that_needs_others_needs_docker(perform, fields):
    services = [ServiceSpec(name="app", image="x", **fields), ServiceSpec(name="db", image="y")]

    with pytest.raises(SpecError, match="services need Docker"):
        perform(StepSpec(name="x", service="app", command=("true",)), services=services)


def test_a_service_that_is_not_there(perform):
    with pytest.raises(SpecError, match="no service “app”"):
        perform(StepSpec(name="x", service="app", command=("true",)))


def test_a_step_with_nothing_to_run(perform):
    with pytest.raises(SpecError, match="nothing to run"):
        perform(StepSpec(name="x"))


def test_a_checkout_that_the_step_removed_does_not_break_the_runner(perform, tmp_path):
    result, _ = perform(run("rm", "rm -rf ../home ../tmp; true"))

    assert result.outcome is Outcome.PASSED


@walled
def test_the_host_cannot_be_written(executor, perform, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()

    _, output = perform(run("write", f"touch {outside}/x || true; touch /etc/ciservice-was-here || true"))

    assert list(outside.iterdir()) == []
    assert not Path("/etc/ciservice-was-here").exists()
    assert "Read-only file system" in output


@walled
def test_a_lent_folder_can_be_written_and_its_neighbours_not(executor, perform, tmp_path):
    for name in ("lent", "other"):
        (executor.settings.data_dir / name).mkdir()
    lent = executor.settings.data_dir / "lent"

    result, _ = perform(
        run("deploy", f"echo released > {lent}/index.html; ls {lent}/../other && exit 9 || true"), folders=(lent,)
    )

    assert result.outcome is Outcome.PASSED
    assert (lent / "index.html").read_text() == "released\n"


@walled
def test_the_services_data_and_other_jobs_cannot_be_seen(executor, perform):
    data = executor.settings.data_dir
    (data / "ciservice.sqlite3").write_text("secret")
    (data / "workspaces/ci-other-1").mkdir()

    _, output = perform(run("look", f"ls {data}; ls {data}/workspaces"))

    assert "sqlite" not in output
    assert "ci-other" not in output


@walled
def test_sockets_of_the_host_and_its_processes_cannot_be_seen(executor, perform):
    _, output = perform(run("look", "ls /run | sed /systemd/d; ls /proc | grep -c '^[0-9]'"))

    *run_folder, count = output.split()
    assert run_folder == []
    assert int(count) < 10


@walled
def test_a_preloaded_library_does_not_reach_the_sandbox_itself(executor, perform, tmp_path):
    marker = tmp_path / "escaped"
    source = tmp_path / "evil.c"
    source.write_text(
        f'#include <fcntl.h>\n__attribute__((constructor)) void f(void) {{ open("{marker}", O_CREAT | O_WRONLY, 0600); }}\n'
    )
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(tmp_path / "evil.so"), str(source)], check=True)

    perform(run("x", "true"), environment={"LD_PRELOAD": str(tmp_path / "evil.so")})

    assert not marker.exists()


def test_secrets_are_not_on_a_command_line(executor, make_job):
    seen: list[bytes] = []
    step, stop = run("wait", "echo up; sleep 30"), Stop()

    def listen(_: bytes) -> None:
        seen.extend(command_lines().values())
        stop.order(StopReason.CANCELLED)

    with executor.workspace(make_job(step, secrets={"TOKEN": "s3cret-on-a-line"}), stop, lambda _: None) as workspace:
        workspace.run(step, listen, stop)

    assert seen
    assert not any(b"s3cret-on-a-line" in line for line in seen)


def test_sweeping_removes_what_a_lost_runner_left(executor):
    workspaces = executor.settings.workspaces
    # Names that no other test has: a sweep ends what carries one, wherever on this machine it runs.
    dead, live = str(uuid4()), str(uuid4())
    for name in (f"ci-{dead}-1", f"ci-{live}-3", "other"):
        (workspaces / name / "home").mkdir(parents=True)
    left = subprocess.Popen(["sleep", "1000"], env={MARK: f"ci-{dead}-1:abc"}, start_new_session=True)
    # Until its exec is over it has no environment to be known by.
    wait_until(lambda: left.pid in marked(f"ci-{dead}-1"), what="the process")

    gone = executor.sweep(lambda job_id, epoch: (job_id, epoch) == (live, 3))

    assert gone == 1
    assert sorted(path.name for path in workspaces.iterdir()) == [f"ci-{live}-3", "other"]
    assert left.wait(10) == -9


def test_a_folder_that_cannot_be_made_is_said_at_once(make_settings, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(EngineError, match="cannot be written") as caught:
        ProcessExecutor(make_settings("process", data_dir=tmp_path / "file")).open()

    assert caught.value.retry is False


def test_removing_a_tree_follows_no_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    tree = tmp_path / "tree"
    (tree / "locked").mkdir(parents=True)
    (tree / "locked/file").write_text("x")
    os.symlink(outside, tree / "link")
    os.symlink(outside / "file", tree / "locked/link")
    (tree / "locked").chmod(0)

    remove_tree(tree)

    assert not tree.exists()
    assert (outside / "file").read_text() == "kept"


def test_nothing_runs_on_after_a_stop(executor, make_job):
    step, stop = (
        run("fork", "(while :; do sleep 0.2; done) & (setsid sh -c 'while :; do sleep 0.2; done' &) ; echo up; wait"),
        Stop(),
    )
    job = make_job(step)

    with executor.workspace(job, stop, lambda _: None) as workspace:
        workspace.run(step, lambda _: stop.order(StopReason.LOST_LEASE) and None, stop)

    def left() -> bool:
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if job.name.encode() in entry.read_bytes():
                    return True
            except OSError:
                continue
        return False

    wait_until(lambda: not left(), seconds=10, what="the end of every process")


_COME_AND_GO = """
import ctypes, os, sys
libc, place = ctypes.CDLL(None), os.fsencode(sys.argv[1])
while True:
    os.mkdir(place)
    libc.mount(b"none", place, b"tmpfs", 0, None)
    libc.umount2(place, 2)  # MNT_DETACH
    os.rmdir(place)
"""


@walled
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_mounts_that_come_and_go_on_the_host_fail_no_step(perform, tmp_path_factory):
    """bubblewrap fails where one goes away while it builds its walls: containers' mounts do so all the time."""
    place = tmp_path_factory.mktemp("mounts")
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    subprocess.run(["mount", "--make-shared", place], check=True)  # as Docker has its folder: other namespaces see it
    churn = subprocess.Popen([sys.executable, "-c", _COME_AND_GO, place / "one"])
    try:
        done = [perform(run("step", "echo once")) for _ in range(60)]
        assert churn.poll() is None
    finally:
        churn.kill()
        churn.wait()
        subprocess.run(["umount", "--recursive", "--lazy", place], check=True)
    assert [(result.outcome, output) for result, output in done] == [(Outcome.PASSED, "once\n")] * 60


@walled
def test_a_step_that_speaks_like_the_walls_runs_once(perform):
    result, output = perform(run("mimic", "echo 'bwrap: no' >&2; exit 1"))
    assert (result.outcome, result.exit_code, output) == (Outcome.FAILED, 1, "bwrap: no\n")
