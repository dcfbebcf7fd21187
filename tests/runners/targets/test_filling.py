"""${NAME} in settings: filled in where it is known, told where it is not, and left alone in shell text."""

from __future__ import annotations

import pytest

from runners.targets.contract import TargetError
from runners.targets.filling import filled, names_in

VALUES = {"TOKEN": "s3cret", "HOST": "web-1", "EMPTY": ""}


def fill(settings, verbatim=()):
    return filled(settings, VALUES, frozenset(verbatim))


def test_names_are_replaced_however_deep_they_stand():
    settings = {"hosts": ["${HOST}.example.com", {"user": "u-${HOST}"}], "keep": 3, "on": True, "none": None}

    assert fill(settings) == {"hosts": ["web-1.example.com", {"user": "u-web-1"}], "keep": 3, "on": True, "none": None}


def test_an_empty_value_is_a_value():
    assert fill({"a": "<${EMPTY}>"}) == {"a": "<>"}


def test_what_is_filled_in_is_not_filled_in_again():
    assert filled({"a": "${A}"}, {"A": "${B}", "B": "x"}, frozenset()) == {"a": "${B}"}


@pytest.mark.parametrize(
    ("settings", "where"),
    [({"token": "${TOKEM}"}, "token"), ({"hosts": ["a", {"user": "${TOKEM}"}]}, "hosts[1].user")],
)
def test_a_missing_name_is_told_with_the_setting(settings, where):
    with pytest.raises(TargetError, match=r"there is no variable or secret “TOKEM”") as told:
        fill(settings)

    assert str(told.value).startswith(f"{where}: ")
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "result"),
    [("$${TOKEN}", "${TOKEN}"), ("$TOKEN", "$TOKEN"), ("$$", "$$"), ("{TOKEN}", "{TOKEN}"), ("${HOST", "${HOST")],
)
def test_only_braces_behind_a_dollar_are_a_name(text, result):
    assert fill({"a": text}) == {"a": result}


def test_shell_text_is_left_as_it_is():
    assert fill({"restart": "echo ${NOBODY} ${TOKEN}"}, ["restart"]) == {"restart": "echo ${NOBODY} ${TOKEN}"}


def test_the_names_of_shell_text():
    assert names_in("a ${ONE} $TWO ${ONE} ${THREE:-x} ${F_4}") == {"ONE", "F_4"}
