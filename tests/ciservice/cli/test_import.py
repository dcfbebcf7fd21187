"""`ciservice import`, as one types it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ciservice.cli import main


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **files):
        for name, text in files.items():
            path = tmp_path / {"gitlab": ".gitlab-ci.yml", "circle": ".circleci/config.yml"}.get(name, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return CliRunner().invoke(main, ["import", "--dir", str(tmp_path), *arguments])

    return run


def test_it_writes_the_file_and_says_what_did_not_come_along(run, tmp_path):
    done = run(gitlab="unit: {script: pytest, pages: x}")
    assert done.exit_code == 0
    assert (tmp_path / "ciservice.yml").read_text() == "pipelines:\n  unit:\n    steps: [pytest]\n"
    assert ".gitlab-ci.yml:1: `pages` of `unit` was not carried over" in done.stderr


def test_a_file_that_is_there_stays_unless_one_insists(run, tmp_path):
    (tmp_path / "ciservice.yml").write_text("mine")
    assert run(gitlab="unit: {script: pytest}").exit_code == 2
    assert (tmp_path / "ciservice.yml").read_text() == "mine"
    assert run("--stdout").stdout.startswith("pipelines:")
    assert run("--force").exit_code == 0
    assert (tmp_path / "ciservice.yml").read_text() != "mine"


def test_what_it_cannot_choose_or_find_it_says(run):
    assert "Nothing to import" in run().stderr
    several = run(gitlab="a: {script: x}", circle="jobs: {}")
    assert (several.exit_code, "choose with --from" in several.stderr) == (2, True)
    assert "has no files of github" in run("--from", "github").stderr


@pytest.mark.parametrize(
    ("text", "problem"), [("a: [", "not valid YAML"), ("a: 1", "nothing in it that could be imported")]
)
def test_what_cannot_run_ends_with_1(run, text, problem):
    done = run(gitlab=text)
    assert (done.exit_code, problem in done.stderr) == (1, True)
