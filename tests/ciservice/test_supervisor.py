"""The supervisor with real processes: named output, restarts, order of ending, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.servers import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def supervise(tmp_path):
    """Starts a supervisor over programs written as Python text; returns its process and what it has said so far."""
    started = []

    def start(programs: str) -> tuple[subprocess.Popen, callable]:
        text = textwrap.dedent(
            """
            import os, sys, time, signal
            from pathlib import Path
            from ciservice.embedded.supervisor import Program, Supervisor
            here = Path(sys.argv[1])
            """
        )
        log = tmp_path / "said"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    text + textwrap.dedent(programs) + "\nSupervisor(programs).run()",
                    str(tmp_path),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
            )
        started.append(process)
        return process, log.read_text

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"


SLEEPER = """
def sleeper(name):
    def run():
        (here / name).write_text(str(os.getpid()))
        print("hello from", name, flush=True)
        def end(*_):
            (here / "ended").open("a").write(name + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        while True:
            time.sleep(60)
    return run
"""


def test_output_carries_the_name(supervise):
    _, said = supervise(SLEEPER + "programs = [Program('one', target=sleeper('one'))]")
    wait_until(lambda: "    one | hello from one" in said())


def test_a_killed_program_is_started_again(supervise, tmp_path):
    _, said = supervise(SLEEPER + "programs = [Program('one', target=sleeper('one'))]")
    first = wait_until(lambda: (tmp_path / "one").exists() and (tmp_path / "one").read_text())
    os.kill(int(first), signal.SIGKILL)
    wait_until(lambda: (tmp_path / "one").read_text() not in ("", first), what="the second start")
    assert "was killed by SIGKILL" in said()


def test_the_last_started_ends_first_and_nothing_stays(supervise, tmp_path):
    process, _ = supervise(
        SLEEPER + "programs = [Program('one', target=sleeper('one')), Program('two', target=sleeper('two'))]"
    )
    pids = [int(wait_until(lambda n=n: (tmp_path / n).exists() and (tmp_path / n).read_text())) for n in ("one", "two")]
    process.terminate()
    assert process.wait(20) == 0
    assert (tmp_path / "ended").read_text() == "two one "
    assert all(gone(pid) for pid in pids)


def test_a_deaf_program_is_killed(supervise, tmp_path):
    process, said = supervise(
        """
        def deaf():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (here / "deaf").write_text(str(os.getpid()))
            while True:
                time.sleep(60)
        programs = [Program('deaf', target=deaf, stop_seconds=0.3)]
        """
    )
    pid = int(wait_until(lambda: (tmp_path / "deaf").exists() and (tmp_path / "deaf").read_text()))
    process.send_signal(signal.SIGINT)
    process.wait(20)
    assert gone(pid)
    assert "did not stop" in said()


def test_programs_end_when_the_supervisor_is_killed(supervise, tmp_path):
    process, _ = supervise(SLEEPER + "programs = [Program('one', target=sleeper('one'))]")
    pid = int(wait_until(lambda: (tmp_path / "one").exists() and (tmp_path / "one").read_text()))
    process.kill()
    wait_until(lambda: gone(pid), what="the program's end")


def test_later_programs_wait_for_the_ready_one(supervise, tmp_path):
    supervise(
        SLEEPER
        + """
programs = [
    Program('first', target=sleeper('first'), ready=(here / 'go').exists),
    Program('second', target=sleeper('second')),
]
"""
    )
    wait_until((tmp_path / "first").exists)
    assert not (tmp_path / "second").exists()
    (tmp_path / "go").touch()
    wait_until((tmp_path / "second").exists)


def test_a_program_that_runs_once_is_not_started_again_and_its_failure_is_told(supervise, tmp_path):
    _, said = supervise(
        SLEEPER
        + """
def fail():
    raise RuntimeError('no such luck')
programs = [Program('once', target=fail, once=True), Program('one', target=sleeper('one'))]
"""
    )
    wait_until(lambda: "ended with 1" in said())
    assert "no such luck" in said()
    wait_until((tmp_path / "one").exists)


def test_a_quiet_program_speaks_when_it_falls(supervise):
    _, said = supervise(
        """
        programs = [Program('quiet', command=['sh', '-c', 'echo the reason; exit 3'], quiet=True)]
        """
    )
    wait_until(lambda: "ended with 3" in said())
    assert "quiet | the reason" in said()
