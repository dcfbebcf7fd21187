"""Commands are split as a POSIX shell splits words, and no shell sees them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.pipeline.command import UnclosedQuoteError, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  \n\t ", ()),
        ("ruby --version", ("ruby", "--version")),
        ("a && b | c > d; e", ("a", "&&", "b", "|", "c", ">", "d;", "e")),
        ("echo $CI_BRANCH `x` *.py ~", ("echo", "$CI_BRANCH", "`x`", "*.py", "~")),
        ("echo a # b", ("echo", "a", "#", "b")),
        ("CI_NAME=codeship run.sh", ("CI_NAME=codeship", "run.sh")),
        ("echo ''", ("echo", "")),
        ('echo "" x', ("echo", "", "x")),
        ("sh -c 'a && b'", ("sh", "-c", "a && b")),
        ("""bash -c "sed -i 's@A@'"$VAR"'@' f && x" """, ("bash", "-c", "sed -i 's@A@'$VAR'@' f && x")),
        ('bash -c "X="${Y}" z"', ("bash", "-c", "X=${Y} z")),
        (r"curl -H \"X-Key: ${KEY}\"", ("curl", "-H", '"X-Key:', '${KEY}"')),
        (r'"a\"b" "c\\d" "e\$f" "g\`h" "i\.j"', ('a"b', "c\\d", "e$f", "g`h", r"i\.j")),
        (r"a\ b '\' \'", ("a b", "\\", "'")),
        ("bash -c 'one\ntwo'\n", ("bash", "-c", "one\ntwo")),
        ('bash -c "one\n  two"', ("bash", "-c", "one\n  two")),
        ("curl \\\n  -s \\\r\n  x", ("curl", "-s", "x")),
        ('"one \\\ntwo"', ("one two",)),
        ("a\r\nb", ("a", "b")),
        ("x\u00a0y é", ("x\u00a0y", "é")),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    ("text", "said"),
    [("echo 'a", "quote '"), ('echo "a', 'quote "'), ('a "b\\"', 'quote "'), ("a\\", "backslash"), ("it's", "quote '")],
)
def test_what_is_left_open_is_an_error(text: str, said: str) -> None:
    with pytest.raises(UnclosedQuoteError, match=said):
        split(text)


# The standard library's differs in `\$` and "\`" inside of double quotes, and in lines that a backslash continues.
@given(st.text(alphabet="ab '\"$#&|;\t\n*\\", max_size=30))
def test_agrees_with_the_standard_library(text: str) -> None:
    if "\\\n" in text or "\\$" in text:
        return
    try:
        expected = tuple(shlex.split(text, comments=False))
    except ValueError:
        with pytest.raises(UnclosedQuoteError):
            split(text)
    else:
        assert split(text) == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)))
def test_quoted_words_come_back(words: list[str]) -> None:
    assert split(shlex.join(words)) == tuple(words)
