"""generate, encrypt and decrypt: files that CodeShip's projects have, made and read on a laptop."""

from __future__ import annotations

import base64
import subprocess

import pytest
from click.testing import CliRunner

from ciservice.cli import jet, main
from runners.encryption import WRONG_CHECKSUM, new_key, parse_key


@pytest.fixture
def go(checkout, monkeypatch):
    """Runs a command in the checkout: its result."""
    monkeypatch.chdir(checkout)
    return lambda *arguments, **more: CliRunner().invoke(jet, list(arguments), **more)


def test_there_and_back_through_the_installed_command(command, checkout):
    (checkout / ".env").write_bytes(b"TOKEN=hunter2\r\n\xff")

    for arguments in (["generate"], ["encrypt", ".env", ".env.encrypted"], ["decrypt", ".env.encrypted", "back"]):
        assert command("jet", *arguments).returncode == 0

    assert b"hunter2" not in (checkout / ".env.encrypted").read_bytes()
    assert (checkout / "back").read_bytes() == b"TOKEN=hunter2\r\n\xff"


def test_what_it_encrypts_openssl_opens(go, checkout):
    go("generate")
    (checkout / "plain").write_text("A=1\n")

    go("encrypt", "plain", "sealed")

    key = parse_key((checkout / "codeship.aes").read_text()).raw.hex()
    sealed = base64.b64decode((checkout / "sealed").read_text())
    argv = ["openssl", "enc", "-d", "-aes-256-cfb", "-K", key, "-iv", sealed[:16].hex()]
    assert subprocess.run(argv, input=sealed[16:], capture_output=True, check=True).stdout == b"A=1\n"


def test_the_key_is_for_its_owner_alone_and_never_replaced(go, checkout):
    go("generate")
    before = (checkout / "codeship.aes").read_text()

    again = go("generate")

    assert (checkout / "codeship.aes").stat().st_mode & 0o777 == 0o600
    assert again.exit_code == 1
    assert "codeship.aes is there already" in again.stderr
    assert (checkout / "codeship.aes").read_text() == before


def test_standard_input_and_output(go):
    go("generate", "--key-path", "other.aes")

    sealed = go("encrypt", "--key-path", "other.aes", "-", "-", input="A=1")
    opened = go("decrypt", "--key-path=other.aes", "-", "-", input=sealed.stdout)

    assert opened.stdout == "A=1"


def test_without_a_key_it_says_where_keys_come_from(go, checkout):
    (checkout / "plain").write_text("A=1")

    result = go("encrypt", "plain", "sealed")

    assert result.exit_code == 1
    assert "No AES key provided: there is no codeship.aes" in result.stderr
    assert not (checkout / "sealed").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("codeship:v2\n" + base64.b64encode(b"x" * 80).decode(), WRONG_CHECKSUM),
        ("A=1", "not an encrypted text"),
        ("", "cut off"),
    ],
)
def test_what_does_not_open_is_said_and_nothing_is_written(go, checkout, text, says):
    (checkout / "sealed").write_text(text)
    (checkout / "codeship.aes").write_text(new_key().text)

    result = go("decrypt", "sealed", "plain")

    assert result.exit_code == 1
    assert result.stderr.startswith("ciservice: sealed: ")
    assert says in result.stderr
    assert not (checkout / "plain").exists()


@pytest.mark.parametrize(("name", "says"), [("absent", "No such file"), ("large", "larger than"), (".", "directory")])
def test_files_that_cannot_be_read(go, checkout, name, says):
    go("generate")
    (checkout / "large").write_bytes(b"x" * (3 * 1024 * 1024))

    result = go("encrypt", name, "sealed")

    assert result.exit_code in {1, 2}
    assert says in result.stderr
    assert not (checkout / "sealed").exists()


def test_a_key_that_is_none(go, checkout):
    (checkout / "codeship.aes").write_text("none")
    (checkout / "plain").write_text("A=1")

    assert "codeship.aes: This is no AES key" in go("encrypt", "plain", "sealed").stderr


def test_the_versions_agree(go):
    version = go("version").stdout.strip()

    assert f"Running version {version}." in go("update").stdout
    assert go("update", "--dry-run").stdout.startswith("Dry run. ")
    assert version in CliRunner().invoke(main, ["--version"]).stdout


def test_help_says_what_a_command_does(go):
    assert go("help", "encrypt").stdout == go("encrypt", "--help").stdout
    assert "steps" in go("help").stdout
    assert go("help", "nonsense").exit_code == 2
