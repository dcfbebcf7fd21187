"""What a step sees in its environment, and what its env_files may be."""

from __future__ import annotations

import os

import pytest

from runners.contract import ServiceSpec, StepSpec
from runners.environment import MOST_FILE_BYTES, parse_env_file, read_env_files, step_environment
from runners.errors import SpecError
from tests.runners.jobs import run


def test_later_layers_win(make_job):
    layers = ["job", "secret", "pipeline", "service", "file", "step"]
    names = {layer: f"FROM_{layer.upper()}" for layer in layers}

    def says(layer: str) -> dict[str, str]:
        return {names[name]: layer for name in layers[layers.index(layer) :]}

    job = make_job(run("x", ""), environment=says("job"), secrets=says("secret"), pipeline_environment=says("pipeline"))
    service = ServiceSpec(name="app", image="x", environment=says("service"))
    step = StepSpec(name="x", environment=says("step"))

    found = step_environment(job, service, step, says("file"))

    assert {name: found[name] for name in names.values()} == {names[layer]: layer for layer in layers}


def test_a_service_beside_a_step_has_no_steps_variables(make_job):
    job = make_job(run("x", ""), environment={"CI": "true"})

    found = step_environment(job, ServiceSpec(name="db", image="x", environment={"A": "1"}), None)

    assert (found["CI"], found["A"]) == ("true", "1")


def test_git_trusts_the_checkout_unless_the_project_says_otherwise(make_job):
    assert step_environment(make_job(run("x", "")), None, None)["GIT_CONFIG_KEY_0"] == "safe.directory"

    own = make_job(run("x", ""), environment={"GIT_CONFIG_COUNT": "0"})
    assert step_environment(own, None, None)["GIT_CONFIG_COUNT"] == "0"


@pytest.mark.parametrize(("name", "value"), [("A", "x\0--bind\0/\0/"), ("A=B", "1"), ("", "1"), ("A\0", "1")])
def test_variables_that_no_process_can_be_given_are_refused(make_job, name, value):
    with pytest.raises(SpecError, match="cannot be set"):
        step_environment(make_job(run("x", ""), environment={name: value}), None, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("# comment\n\nA=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A='quoted'", {"A": "'quoted'"}),
        ("A=1=2", {"A": "1=2"}),
        ("A=", {"A": ""}),
        ("A=with spaces  ", {"A": "with spaces  "}),
        ("  A=1", {"A": "1"}),
        ("NOT_SET\n=x\n", {}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=\\n", {"A": "\\n"}),
    ],
)
def test_env_files_are_read_as_docker_reads_them(text, found):
    assert parse_env_file(text) == found


def test_the_last_file_wins(tmp_path):
    (tmp_path / "one").write_text("A=1\nB=1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/two").write_text("B=2")

    assert read_env_files(tmp_path, ["one", "./folder/two"]) == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    "name", ["absent", "../outside", "/etc/passwd", "link", "linked/file", "pipe", "folder", "large", "latin", ""]
)
def test_only_plain_files_of_the_checkout_are_read(tmp_path, name):
    checkout = tmp_path / "checkout"
    (checkout / "folder").mkdir(parents=True)
    (tmp_path / "outside").write_text("A=1")
    (tmp_path / "file").write_text("A=1")
    os.symlink(tmp_path / "outside", checkout / "link")
    os.symlink(tmp_path, checkout / "linked")
    os.mkfifo(checkout / "pipe")
    (checkout / "large").write_text("x" * (MOST_FILE_BYTES + 1))
    (checkout / "latin").write_bytes(b"A=caf\xe9")

    with pytest.raises(SpecError):
        read_env_files(checkout, [name])
