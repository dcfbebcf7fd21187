"""The door: which file counts, and what is said where there is none."""

from __future__ import annotations

import pytest

from builds.pipeline.make import CANDIDATES, make
from builds.pipeline.plan import ConfigError, PlanContext
from runners.contract import Unreadable
from tests.builds.pipeline.helpers import codeship, context, problems

STEPS = "- {service: app, command: ls}"
SERVICES = "app: {image: x}"


@pytest.mark.parametrize(
    ("files", "source"),
    [
        (
            {"ciservice.yml": "steps: [a]", "codeship-steps.yml": STEPS, "codeship-services.yml": SERVICES},
            "ciservice.yml",
        ),
        ({"ciservice.yaml": "steps: [a]"}, "ciservice.yaml"),
        ({"codeship-steps.yml": STEPS, "codeship-services.yml": SERVICES}, "codeship-steps.yml"),
        ({"jet-steps.yml": "[", "codeship-steps.yml": STEPS, "codeship-services.yml": SERVICES}, "codeship-steps.yml"),
        ({"jet-steps.yml": STEPS, "jet-services.yml": SERVICES}, "jet-steps.yml"),
        (
            {"codeship-steps.yml": STEPS, "docker-compose.yml": "version: '3'\nservices: {app: {image: x}}"},
            "codeship-steps.yml",
        ),
        (
            {"codeship-steps.yml": STEPS, "codeship-services.yml": SERVICES, "docker-compose.yml": "["},
            "codeship-steps.yml",
        ),
        (
            {
                "codeship-steps.json": '[{"service": "app", "command": "ls"}]',
                "codeship-services.json": '{"app": {"image": "x"}}',
            },
            "codeship-steps.json",
        ),
        (
            {".codeship/codeship-steps.yml": STEPS, ".codeship/codeship-services.yml": SERVICES},
            ".codeship/codeship-steps.yml",
        ),
        ({"docker/codeship-steps.yml": STEPS, "codeship-services.yml": SERVICES}, "docker/codeship-steps.yml"),
        (
            {"codeship-steps.yml": STEPS, "codeship-services.yml": SERVICES, "codeship/codeship-steps.yml": "["},
            "codeship-steps.yml",
        ),
    ],
)
def test_which_file_counts(files: dict[str, str], source: str) -> None:
    assert set(files) <= set(CANDIDATES)
    assert make(files, context()).source == source


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "this commit has no configuration: add a ciservice.yml"),
        ({"README.md": "x"}, "this commit has no configuration"),
        ({"docker-compose.yml": SERVICES}, "this commit has no configuration"),
        ({"codeship-services.yml": SERVICES}, "codeship-services.yml: there is no codeship-steps.yml beside it"),
        ({"codeship-steps.yml": STEPS}, "codeship-steps.yml: there is no codeship-services.yml beside it"),
        ({"codeship-steps.yml": STEPS, "codeship-services.yml": ""}, "codeship-services.yml: a services file is a map"),
        (
            {"codeship-steps.yml": STEPS, "codeship-services.yml": "[a]"},
            "codeship-services.yml:1:1: a services file is a map",
        ),
    ],
)
def test_what_is_missing(files: dict[str, str], said: str) -> None:
    assert any(problem.startswith(said) for problem in problems(make, files, context()))


def test_both_files_say_what_is_wrong_with_them() -> None:
    files = {"codeship-steps.yml": "[", "codeship-services.yml": "{"}
    found = problems(make, files, context())
    assert [problem.partition(":")[0] for problem in found] == ["codeship-steps.yml", "codeship-services.yml"]


def test_line_ends_of_windows_change_nothing() -> None:
    steps = "- service: app\n  command: |\n    bash -c 'a &&\n      b'\n"
    unix, windows = codeship(steps, SERVICES), codeship(steps.replace("\n", "\r\n"), SERVICES + "\r\n")
    assert unix == windows


def test_the_same_text_makes_the_same_plan() -> None:
    assert codeship(STEPS, SERVICES) == codeship(STEPS, SERVICES)


def test_an_unreadable_file_matters_only_where_it_is_the_one_to_use():
    link = Unreadable("this is a symbolic link: it must be a file")
    files = {"ciservice.yml": "steps: [echo hello]\n", "docker-compose.yml": link}
    assert make(files, PlanContext(branch="main", commit="a" * 40)).source == "ciservice.yml"
    with pytest.raises(ConfigError, match=r"ciservice\.yml: this is a symbolic link"):
        make({"ciservice.yml": link}, PlanContext(branch="main", commit="a" * 40))


def test_json_may_be_indented_with_tabs() -> None:
    files = {
        "codeship-steps.json": '[\n\t{"service": "app",\t"command": "ls\\ta"}\n]',
        "codeship-services.json": '{\n\t"app": {"image": "busybox"}\n}',
    }
    (step,) = make(files, context()).pipelines[0].steps
    assert step.command == ("ls", "a")
