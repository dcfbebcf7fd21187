"""What a repository keeps encrypted, opened for a step: in CodeShip's order, hidden, and with errors that help."""

from __future__ import annotations

import pytest

from runners.contract import ServiceSpec
from runners.encryption import WRONG_CHECKSUM, encrypt, new_key
from runners.errors import SpecError
from runners.service_variables import MOST_SECRET_CHARACTERS, service_variables
from tests.runners.jobs import run


@pytest.fixture
def variables(make_job, tmp_path):
    """Reads the variables of a service: (variables, what is to be hidden)."""

    def variables(key: str, **fields) -> tuple[dict[str, str], list[str]]:
        hidden: list[str] = []
        job = make_job(run("x", ""), key=key)
        service = ServiceSpec(name="app", image="x", **fields)
        return service_variables(job, service, tmp_path, hidden.extend), hidden

    return variables


def test_files_win_over_inline_texts_and_encrypted_ones_over_plain_ones(variables, tmp_path):
    key = new_key()
    (tmp_path / "plain").write_text("B=file\nC=file\nD=file")
    (tmp_path / "sealed").write_text(encrypt(b"C=sealed\nD=sealed", key))
    (tmp_path / "last").write_text(encrypt(b"D=last", key))

    found, _ = variables(
        key.text,
        encrypted_environment=(encrypt(b"A=inline\nB=inline", key),),
        env_files=("plain",),
        encrypted_env_files=("sealed", "last"),
    )

    assert found == {"A": "inline", "B": "file", "C": "sealed", "D": "last"}


def test_what_was_encrypted_is_hidden_but_for_plain_words(variables, tmp_path):
    key = new_key()
    (tmp_path / "plain").write_text("SEEN=seen-by-all")
    (tmp_path / "sealed").write_text(encrypt(b"TOKEN=from-a-file\nRAILS_ENV=test\nDEBUG=True", key))

    _, hidden = variables(
        key.text,
        encrypted_environment=(encrypt(b"TOKEN=from-inline", key),),
        env_files=("plain",),
        encrypted_env_files=("sealed",),
    )

    assert hidden == ["from-inline", "from-a-file"]


@pytest.mark.parametrize("fields", [{"encrypted_env_files": ("sealed",)}, {"encrypted_environment": ("text",)}])
def test_without_a_key_the_error_says_where_to_put_it(variables, tmp_path, fields):
    (tmp_path / "sealed").write_text(encrypt(b"A=1", new_key()))

    with pytest.raises(
        SpecError, match=r"^No AES key provided: .*(sealed|encrypted_environment of service app, text 1)"
    ) as e:
        variables("", **fields)

    assert "put the project's codeship.aes into its settings" in str(e.value)


def test_another_key_is_told_in_codeships_words(variables, tmp_path):
    (tmp_path / "one").write_text(encrypt(b"SOME=thing that is long enough to be noise\n", new_key()))

    with pytest.raises(SpecError) as caught:
        variables(new_key().text, encrypted_env_files=("one",))

    said = str(caught.value)
    assert said.startswith("error loading encrypted environment file one: environment contains non-utf8 characters:")
    assert "codeship.aes" in said


def test_a_wrong_checksum_is_told_in_codeships_words(variables, tmp_path):
    (tmp_path / "two").write_text("codeship:v2\n" + encrypt(b"x" * 100, new_key()))

    with pytest.raises(SpecError, match=f"^two: {WRONG_CHECKSUM}. The key is not the one"):
        variables(new_key().text, encrypted_env_files=("two",))


@pytest.mark.parametrize(
    ("name", "says"), [("absent", "absent: cannot be read"), ("plain", "plain: It is not an encrypted text")]
)
def test_errors_name_the_file(variables, tmp_path, name, says):
    (tmp_path / "plain").write_text("A=1")

    with pytest.raises(SpecError, match=says):
        variables(new_key().text, encrypted_env_files=(name,))


def test_a_key_that_is_none_is_said(variables, tmp_path):
    (tmp_path / "one").write_text(encrypt(b"A=1", new_key()))

    with pytest.raises(SpecError, match="This is no AES key"):
        variables("nonsense", encrypted_env_files=("one",))


def test_more_than_can_be_hidden_is_refused(variables, tmp_path):
    key = new_key()
    (tmp_path / "large").write_text(encrypt(b"A=" + b"x" * (MOST_SECRET_CHARACTERS + 1), key))

    with pytest.raises(SpecError, match="at most 64 KiB of encrypted variables"):
        variables(key.text, encrypted_env_files=("large",))
