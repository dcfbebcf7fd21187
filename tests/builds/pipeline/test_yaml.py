"""The reader: words keep their spelling, every node knows its place, anchors and merges come out as YAML means them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.pipeline import yaml
from builds.pipeline.nodes import Mapping, Node, Scalar, Sequence
from builds.pipeline.plan import ConfigError


def plain(node: Node | None):
    """Dicts, lists and the text of scalars; None for null."""
    if isinstance(node, Mapping):
        return {entry.key: plain(entry.node) for entry in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node is None or node.is_null else node.text


def read(text: str):
    return plain(yaml.read(text, "f.yml").root)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        yaml.read(text, "f.yml")
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    "word",
    [
        "10.10",
        "yes",
        "no",
        "on",
        "true",
        "True",
        "01",
        "0o7",
        "0x1F",
        "1e3",
        "22:22",
        "-1",
        "2020-01-01",
        "18.04",
        ".5",
        "1_000",
    ],
)
def test_scalars_keep_their_spelling(word: str) -> None:
    assert read(f"a: {word}\n{word}: b") == {"a": word, word: "b"}


@pytest.mark.parametrize("word", ["", "~", "null", "Null", "NULL"])
def test_null_is_null_and_quoted_it_is_a_word(word: str) -> None:
    assert read(f"a: {word}\nb: '{word}'") == {"a": None, "b": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("---\na: 1\n...\n", {"a": "1"}),
        ("a: 1\r\nb:\r\n  - c\r\n", {"a": "1", "b": ["c"]}),
        ("a: 1", {"a": "1"}),
        ("\ufeffa: 1", {"a": "1"}),
        ("key:\n- a\n- b\n", {"key": ["a", "b"]}),
        ("# по-русски\na: ü", {"a": "ü"}),
        ("a: |-\n  one\n  two\nb: >\n  three\n  four\n", {"a": "one\ntwo", "b": "three four\n"}),
        ("a: \"x\\ty\"\nb: 'it''s'", {"a": "x\ty", "b": "it's"}),
        ("a: one\n  two\n  three", {"a": "one two three"}),
        ("a: !!str 10\nb: !!int '7'", {"a": "10", "b": "7"}),
        (json.dumps({"a": [1, True, None, "x"], "b": {}}), {"a": ["1", "true", None, "x"], "b": {}}),
        ("a: &x one\nb: *x", {"a": "one", "b": "one"}),
        ("- &s {type: push, tag: a}\n- *s\n- {<<: *s, tag: b}", [{"type": "push", "tag": t} for t in "aab"]),
        (
            "d: &d {a: 1, b: 2}\ne: {<<: *d, b: 3, c: 4}",
            {"d": {"a": "1", "b": "2"}, "e": {"b": "3", "c": "4", "a": "1"}},
        ),
        ("d: &d {a: 1}\ne: {a: 2, <<: *d}", {"d": {"a": "1"}, "e": {"a": "2"}}),
        ("e: {<<: [{a: 1}, {a: 2, b: 3}]}", {"e": {"a": "1", "b": "3"}}),
        ("e:\n  <<: {a: 1, b: 1}\n  <<: {a: 2}", {"e": {"a": "2", "b": "1"}}),
        (
            "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}",
            {"a": {"x": "1"}, "b": {"y": "2", "x": "1"}, "c": {"z": "3", "y": "2", "x": "1"}},
        ),
        ("a: {'<<': 1}", {"a": {"<<": "1"}}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": "1", "b": "2", "c": "2"}),
    ],
)
def test_documents(text: str, value: object) -> None:
    assert read(text) == value


def test_every_node_knows_its_place() -> None:
    root = yaml.read("# c\nsteps:\n  - name: a\n    run: |\n      x\n", "f.yml").root
    steps = root.get("steps")
    assert (steps.mark.line, steps.mark.column) == (2, 1)
    (step,) = steps.node.items
    assert (step.mark.line, step.mark.column) == (3, 5)
    assert (step.get("run").mark.line, step.get("run").node.mark.column) == (4, 10)


def test_a_merged_key_keeps_the_place_it_was_written_at() -> None:
    root = yaml.read("a: &a\n  x: 1\nb:\n  <<: *a\n", "f.yml").root
    assert root.get("b").node.get("x").mark.line == 2


def test_a_key_that_is_given_twice_is_noticed_and_the_last_counts() -> None:
    document = yaml.read("a: 1\nb: 2\na: 3\n", "f.yml")
    assert plain(document.root) == {"a": "3", "b": "2"}
    assert [str(notice) for notice in document.notices] == [
        "f.yml:3:1: `a` is given twice, first in line 1: only the last counts"
    ]


def test_a_merged_key_is_not_given_twice() -> None:
    assert yaml.read("a: &a {x: 1}\nb: {<<: *a, x: 2}", "f.yml").notices == ()


def test_only_the_first_document_is_read() -> None:
    document = yaml.read("a: 1\n---\nb: [\n", "f.yml")
    assert plain(document.root) == {"a": "1"}
    assert [notice.line for notice in document.notices] == [2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", ": not valid YAML: did not find expected ',' or ']'"),
        ("a: 1\n b: 2", "f.yml:2:3: not valid YAML: mapping values are not allowed"),
        ("a: *nobody", "f.yml:1:4: *nobody names an anchor that does not exist"),
        ("a: &a [*a]", "f.yml:1:8: *a lies inside of what it names"),
        ("a: &a {b: {c: *a}}", "*a lies inside"),
        ("? [a]\n: 1", "f.yml:1:3: a key must be a word"),
        ("a: {<<: 1}", "`<<` needs a map"),
        ("a: {<<: [[1]]}", "`<<` needs a map"),
        ("a: !!python/object:os.system x", "the tag !!python/object:os.system is not known"),
        ("a: !!binary aGk=", "the tag !!binary"),
        ("!custom {a: 1}", "the tag !custom"),
        ('a: "\\0"', "f.yml:1:4: a text must not contain a NUL"),
        ("a: \x00", "f.yml: not valid YAML"),
        ("a: \ud800", "f.yml: not valid YAML"),
        ("a: '" + "x" * 256 * 1024 + "'", "f.yml: the file is larger than 256 KiB"),
        ("a: '" + "ü" * 130 * 1024 + "'", "f.yml: the file is larger than 256 KiB"),
        ("[" * 41, "f.yml:1:41: nested deeper than 40"),
        ("a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 20 + "*a" + "]" * 20, "nested deeper than 40"),
        ("\n".join(f"k{number}: 1" for number in range(11_000)), "more than 20000 nodes"),
        ("a: &a [" + "1," * 1000 + "]\nb: [" + "*a," * 21 + "]", "more than 20000 nodes"),
        ("a: &a " + "x" * 100_000 + "\nb: [" + "*a," * 12 + "]", "more than 1048576 characters"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize("text", ["a: \x00", "a: *\u202eb", "!\u00e9\u2028x a"])
def test_what_is_said_is_one_line_that_can_be_shown(text: str) -> None:
    assert refusal(text).isprintable()


def test_as_deep_as_allowed() -> None:
    assert read("[" * 40 + "]" * 40)


def _nodes(node: Node) -> int:
    if isinstance(node, Scalar):
        return 1
    inner = node.items if isinstance(node, Sequence) else [entry.node for entry in node.entries]
    return 1 + sum(_nodes(item) for item in inner)


_WORDS = st.sampled_from(
    [
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "<<: ",
        "<<: *x",
        "'",
        '"',
        "|\n",
        ">",
        "!!str ",
        "!x ",
        "#",
        "---\n",
        "%Y",
        "\\",
        "\t",
        "ü",
        "\x07",
        "\r\n",
        "1",
        "~",
    ]
)


@given(st.lists(_WORDS, max_size=60).map("".join))
def test_anything_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        document = yaml.read(text, "f.yml")
    except ConfigError as error:
        document, problems = None, error.problems
    else:
        problems = document.notices
    assert all(problem.file == "f.yml" and problem.line >= 0 and problem.text for problem in problems)
    assert document is None or document.root is None or _nodes(document.root) <= yaml.MAX_NODES


_VALUES = st.recursive(
    st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES.filter(lambda value: not isinstance(value, str)))
def test_json_is_read_as_it_is(value: object) -> None:
    assert read(json.dumps(value, ensure_ascii=False)) == value
