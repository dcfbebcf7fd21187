"""docs/configuration.md: every example runs, every key is in it, and it names no key that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builds.pipeline import keys, yaml
from builds.pipeline.keys import Support
from builds.pipeline.make import make
from builds.pipeline.nodes import Mapping, Node, Sequence
from tests.builds.pipeline.helpers import context, native

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CODESHIP = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))

MIGRATION = (Path(__file__).resolve().parents[3] / "docs" / "migrate-from-codeship.md").read_text(encoding="utf-8")

# Heading of the page -> the tables of keys that its own tables list.
CHAPTERS = {
    "Pipelines": (keys.FILE, keys.PIPELINE),
    "Steps": (keys.STEP,),
    "Services": (keys.SERVICE, keys.BUILD),
    "Deployments": (keys.DEPLOYMENT, keys.PROBE, keys.ROLLBACK, keys.APPROVAL),
    "Order, copies and pushes": (keys.WHEN, keys.RETRY),
    "Schedules": (keys.SCHEDULE,),
    "What is kept": (keys.CACHE,),
}
IN_THE_TEXT = (keys.WATCH,)


def chapter(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[str]:
    """The keys in the first column of its tables."""
    return re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)


def keys_in(node: Node | None) -> set[str]:
    if isinstance(node, Sequence):
        return {key for item in node.items for key in keys_in(item)}
    if isinstance(node, Mapping):
        return {entry.key for entry in node.entries}.union(*(keys_in(entry.node) for entry in node.entries))
    return set()


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_runs(text: str) -> None:
    assert native(text).warnings == ()


@pytest.mark.parametrize(("branch", "runs"), [("master", [True, True, True]), ("dev", [True, False, False])])
def test_the_files_of_a_team_that_comes_from_codeship_run(branch: str, runs: list[bool]) -> None:
    files = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```", MIGRATION, re.MULTILINE | re.DOTALL))
    plan = make(files, context(branch))
    assert plan.warnings == ()
    assert [not step.skip for step in plan.pipelines[0].steps] == runs


def test_codeships_example_runs() -> None:
    plan = make(CODESHIP, context("master"))
    assert (plan.source, plan.warnings) == ("codeship-steps.yml", ())
    assert [bool(step.skip) for step in plan.pipelines[0].steps] == [False, False]


@pytest.mark.parametrize("heading", CHAPTERS)
def test_a_chapter_lists_every_key_that_works_and_no_other(heading: str) -> None:
    works = {key.name for table in CHAPTERS[heading] for key in table.values() if key.support is Support.WORKS}
    assert set(rows(chapter(heading))) == works


def test_every_key_that_works_is_in_an_example() -> None:
    used = {key for text in EXAMPLES for key in keys_in(yaml.read(text, "example").root)}
    tables = [*IN_THE_TEXT, *(table for chapter_tables in CHAPTERS.values() for table in chapter_tables)]
    assert {key.name for table in tables for key in table.values() if key.support is Support.WORKS} <= used


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("pipelines", keys.PIPELINE),
        ("steps", keys.STEP),
        ("deployments", keys.DEPLOYMENT),
        ("services", keys.SERVICE),
        ("`build`", keys.BUILD),
    ],
)
def test_what_comes_later_is_listed_where_it_belongs(name: str, table: keys.Table) -> None:
    row = re.search(rf"^\| {name} \| (.*?) \|(.*?)\|$", chapter("What comes later"), re.MULTILINE)
    errors, warnings = (set(re.findall(r"`([a-z_]+)`", cell)) for cell in row.groups())
    assert errors == {key.name for key in table.values() if key.support in (Support.LATER, Support.WARNED)}
    assert warnings == {key.name for key in table.values() if key.support is Support.HARMLESS}


def test_what_is_forbidden_is_named() -> None:
    tables = (keys.SERVICE, keys.BUILD)
    forbidden = {key.name for table in tables for key in table.values() if key.support is Support.FORBIDDEN}
    assert all(f"`{name}`" in chapter("Services") for name in forbidden)


def test_the_filters_in_the_page_do_what_it_says() -> None:
    for pattern, branch, runs in (
        ("master", "master", True),
        ("master", "master-2", False),
        ("^(master|staging)", "master-2", True),
        (r"test-\w+", "test-a", True),
        (r"test-\w+", "x-test-a", False),
        ("(", "master", False),
    ):
        assert pattern.replace("|", "\\|") in chapter("CodeShip's files")
        (step,) = native(f"steps: [{{run: a, tag: '{pattern}'}}]", branch).pipelines[0].steps
        assert (step.skip == "") is runs
