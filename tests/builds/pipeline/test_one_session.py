"""Command lines that share one shell."""

from __future__ import annotations

import subprocess

import pytest

from builds.pipeline.one_session import active, one_session


def run(*lines, shell="/bin/sh", **variables):
    done = subprocess.run(
        [shell, "-e", "-c", one_session(lines)],
        capture_output=True,
        text=True,
        timeout=20,
        env={"PATH": "/usr/bin:/bin", **variables},
    )
    return done.returncode, done.stdout


def test_what_a_line_sets_lasts():
    code, output = run("cd /tmp", "export A=1", 'greet() { echo "$A in $PWD, $1"; }', "greet 'it''s'")
    assert code == 0
    assert output.endswith("1 in /tmp, its\n")


def test_each_line_is_said_before_it_runs():
    _, output = run("echo 'one  two'", "true # a note")
    assert output == "\x1b[1m$ echo 'one  two'\x1b[0m\none  two\n\x1b[1m$ true # a note\x1b[0m\n"


@pytest.mark.parametrize(
    ("line", "code"), [("(exit 7)", 7), ("[ 1 = 2 ] && echo yes", 1), ("if true; then", 2), ("exit 3", 3)]
)
def test_the_first_line_that_fails_ends_it(line, code):
    ended, output = run("echo before", line, "echo after")
    assert (ended, "after" in output) == (code, False)


def test_bash_where_there_is_one():
    assert run("[[ abc =~ b ]] && echo bash")[1].endswith("bash\n")


def test_without_bash_it_is_sh(tmp_path):
    (tmp_path / "sh").symlink_to("/bin/dash")
    code, output = run("echo ${BASH_VERSION:-plain}", PATH=str(tmp_path))
    assert (code, output.splitlines()[-1]) == (0, "plain")


def test_active_lines():
    assert active("a\n\n  # off\n  b # note  \r\n") == ("a", "b # note")
