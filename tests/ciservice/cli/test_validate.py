"""`validate`: everything that is wrong with a configuration, for people and for machines."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ciservice.cli import jet, main


@pytest.fixture
def validate(checkout):
    return lambda *arguments, group=main: CliRunner().invoke(group, ["validate", "--dir", str(checkout), *arguments])


def test_what_can_run_is_said_in_a_line(validate, checkout):
    (checkout / "ciservice.yml").write_text("steps: [echo 1]")

    result = validate()

    assert (result.exit_code, result.stdout) == (0, "ciservice.yml: 1 pipeline(s), 0 environment(s)\n")


def test_every_mistake_has_its_place(validate, checkout):
    (checkout / "ciservice.yml").write_text("steps:\n  - {name: a, rum: x}\n  - {nme: b, run: y}\n")

    result = validate()

    assert result.exit_code == 1
    assert result.stderr.startswith("ciservice.yml:2:")
    assert "ciservice.yml:3:" in result.stderr


def test_for_machines(validate, checkout):
    (checkout / "ciservice.yml").write_text("steps:\n  - {name: a, rum: x}\n")

    found = json.loads(validate("--json").stdout)

    assert found["source"] is None
    assert (found["errors"][0]["file"], found["errors"][0]["line"]) == ("ciservice.yml", 2)
    assert set(found["errors"][0]) == {"text", "file", "line", "column", "key"}


def test_warnings_are_no_failure(validate, checkout):
    (checkout / "codeship-services.yml").write_text("app: {image: busybox, cashed: true}")
    (checkout / "codeship-steps.yml").write_text("[{service: app, command: 'true'}]")

    result = validate()

    assert result.exit_code == 0
    assert "warning: codeship-services.yml:1:" in result.stderr
    assert json.loads(validate("--json").stdout)["warnings"][0]["file"] == "codeship-services.yml"


def test_jet_looks_at_codeships_files_alone(validate, checkout):
    (checkout / "ciservice.yml").write_text("steps: [echo 1]")

    result = validate(group=jet)

    assert result.exit_code == 1
    assert "codeship-steps.yml" in result.stderr


def test_a_services_file_may_be_named_by_any_path_inside_of_the_checkout(validate, checkout):
    (checkout / "ci").mkdir()
    (checkout / "ci/services.yml").write_text("app: {image: busybox}")
    (checkout / "codeship-steps.yml").write_text("[{service: app, command: 'true'}]")

    for path in ("ci/services.yml", "ci/../ci/services.yml", str(checkout / "ci/services.yml")):
        assert validate("--services-path", path).exit_code == 0
    assert "is outside of" in validate("--services-path", "../services.yml").stderr


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"#" * (2 * 1024 * 1024)])
def test_files_that_cannot_be_read(validate, checkout, content):
    (checkout / "ciservice.yml").write_bytes(content)

    result = validate()

    assert result.exit_code == 1
    assert result.stderr.startswith("ciservice.yml")


def test_the_whole_plan(validate, checkout):
    (checkout / "ciservice.yml").write_text("steps: [{name: a, run: echo 1}]")

    said = validate("--debug").stdout

    assert json.loads(said[said.index("{") :])["pipelines"][0]["steps"][0]["name"] == "a"
