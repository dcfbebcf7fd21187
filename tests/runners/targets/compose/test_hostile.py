"""Compose files of strangers: nothing of the runner is read by them, and nothing of it is used up."""

from __future__ import annotations

import os

import pytest
from pydantic import ValidationError

from runners.targets.compose.program import Program, found
from runners.targets.contract import TargetError

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

SECRET = "EXAMPLE_OF_WHAT_NOBODY_MAY_SEE"
WEB = "services:\n  web:\n    image: shop\n"


@pytest.fixture
def secret(tmp_path):
    """A file of the runner that is both variables and a Compose file."""
    path = tmp_path / "of-the-runner.env"
    path.write_text(f"# {{}}\n{SECRET}=1\n")
    return path


@pytest.fixture
def config(place):
    def read(text: str, **files: str) -> str:
        place.write(text)
        for name, content in files.items():
            place.write(content, name)
        return Program(found(), place.folder, place.name, {"CI_RELEASE": "1"}).config(["docker-compose.yml"])

    return read


@pytest.mark.parametrize("way", ["/etc/passwd", "../of-the-runner.env", "link", "folder/of-the-runner.env", "PATH"])
def test_no_variables_come_out_of_a_file_of_the_runner(place, config, secret, way):
    place.write(WEB)
    (place.folder / "link").symlink_to(secret)
    (place.folder / "folder").symlink_to(secret.parent)
    with pytest.raises(TargetError, match="Compose cannot read") as told:
        config(f"{WEB}    env_file: {secret if way == 'PATH' else way}\n")
    assert SECRET not in str(told.value)
    assert "root:" not in str(told.value)


def test_variables_come_out_of_a_file_of_the_checkout(config):
    assert "OURS" in config(f"{WEB}    env_file: our.env\n", **{"our.env": "OURS=1\n"})


@pytest.mark.parametrize("way", ["../of-the-runner.yml", "link.yml", "PATH"])
def test_no_service_is_extended_from_a_file_of_the_runner(place, config, secret, way):
    other = secret.with_suffix(".yml")
    other.write_text(f"services: {{base: {{image: {SECRET.lower()}}}}}\n")
    place.write(WEB)
    (place.folder / "link.yml").symlink_to(other)
    file = str(other) if way == "PATH" else way
    with pytest.raises(TargetError, match="Compose cannot read") as told:
        config(f"{WEB}    extends: {{file: {file}, service: base}}\n")
    assert SECRET.lower() not in str(told.value)


def test_the_file_itself_may_be_no_link_out_of_the_checkout(place, secret):
    place.write(WEB)
    (place.folder / "docker-compose.yml").unlink()
    secret.write_text(WEB.replace("shop", SECRET.lower()))
    (place.folder / "docker-compose.yml").symlink_to(secret)
    with pytest.raises(TargetError, match="Compose cannot read"):
        place.deliver(1)


def test_neither_the_environment_nor_the_git_folder_of_the_runner_are_there(config, monkeypatch):
    monkeypatch.setenv("OF_THE_RUNNER", SECRET)
    assert SECRET not in config(f"{WEB}    command: 'x${{OF_THE_RUNNER}}x'\n")
    with pytest.raises(TargetError, match="Compose cannot read"):
        config(f"{WEB}    env_file: .git/config\n")


def test_a_bomb_of_aliases_does_not_go_off(place, monkeypatch):
    monkeypatch.setattr("runners.targets.compose.program.CONFIG_SECONDS", 3.0)
    lines = ["x-0: &a0 [b, b, b, b, b, b, b, b, b, b]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    place.write("\n".join([*lines, "services:", "  web: {image: shop, command: *a9}"]))
    with pytest.raises(TargetError):
        place.deliver(1)


def test_variables_of_the_settings_change_nothing_outside_of_the_walls(place, tmp_path):
    place.write(WEB)
    (place.folder / "evil.so").write_bytes(b"no library")
    variables = {"LD_PRELOAD": str(place.folder / "evil.so"), "DOCKER_HOST": "tcp://127.0.0.1:1", "PATH": "/nowhere"}
    program = Program(found(), place.folder, place.name, variables)
    assert "image: shop" in program.config(["docker-compose.yml"])


@pytest.mark.parametrize("file", ["/etc/passwd", "../x.yml", "a/../../x.yml", "~/x.yml", ""])
def test_the_settings_name_files_of_the_checkout_alone(place, file):
    with pytest.raises(ValidationError):
        place.made(file=file)


def test_a_label_of_the_file_does_not_pass_for_ours(place):
    place.write(
        f"services: {{web: {{image: '{place.image}', command: sleep 600, stop_grace_period: 1s,"
        " labels: {ciservice.target: other/production, ciservice.target.release: '99', mine: 'yes', empty: }}}"
    )
    place.deliver(1)
    labels = place.containers("web")[0].labels
    assert (labels["ciservice.target.release"], labels["mine"], labels["empty"]) == ("1", "yes", "")
    assert place.running == {"1"}


def test_a_pipe_in_place_of_a_file_is_not_waited_for_without_end(place, monkeypatch):
    monkeypatch.setattr("runners.targets.compose.program.CONFIG_SECONDS", 3.0)
    place.write(f"{WEB}    extends: {{file: pipe, service: web}}\n")
    os.mkfifo(place.folder / "pipe")
    with pytest.raises(TargetError, match="Compose has not read docker-compose.yml after 3 s"):
        place.deliver(1)
