"""The commands and flags: those that `jet` had are there, and docs/command-line.md has every one."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from ciservice.cli import jet, main
from ciservice.cli.flags import Command

PAGE = (Path(__file__).parents[3] / "docs/command-line.md").read_text()
NO_COMMAND = "A server from the command line"
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
CI = (
    "--ci-branch --ci-build-id --ci-commit-description --ci-commit-id --ci-commit-message --ci-committer-email"
    " --ci-committer-name --ci-committer-username --ci-project-id --ci-repo-name"
)
RUN = "--debug --dir --dockercfg-service --encrypted-dockercfg-path --key-path --no-remove --pull-if-present --services-path"
OF_JET = {
    "steps": f"{CI} {RUN} --env -e --no-tty -T --push --steps-path --tag",
    "run": f"{RUN} --entrypoint --env -e --no-tty -T",
    "load": f"{CI} {RUN}",
    "encrypt": "--key-path",
    "decrypt": "--key-path",
    "generate": "",
    "validate": "--debug --dir --services-path --steps-path",
    "cleanup": "--debug --dry-run",
    "update": "--dry-run",
    "version": "",
    "help": "",
}


def flags_of(group: click.Group, name: str) -> set[str]:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return {flag for item in command.params if isinstance(item, click.Option) for flag in item.opts}


@pytest.mark.parametrize(("name", "flags"), OF_JET.items())
def test_what_jet_had_is_there(name, flags):
    assert set(flags.split()) <= flags_of(jet, name)


def test_jet_has_nothing_of_the_service():
    assert set(jet.list_commands(click.Context(jet))) == set(OF_JET)


@pytest.mark.parametrize("name", OF_JET)
def test_every_flag_is_documented_and_no_other(name):
    section = SECTIONS[name]
    documented = set(re.findall(r"`(--?[A-Za-z][a-z-]*)`", section))

    assert flags_of(main, name) - documented == set()
    assert documented - flags_of(main, name) <= flags_of(main, "steps")


def test_every_command_is_documented():
    titles = SECTIONS.keys() - {NO_COMMAND}
    assert {name for title in titles for name in title.split(", ")} == set(main.list_commands(click.Context(main)))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], (False, ())),
        (["--push"], (True, ())),
        (["--push=true"], (True, ())),
        (["--push=1", "x"], (True, ("x",))),
        (["--push=false"], (False, ())),
        (["--", "--push=true"], (False, ("--push=true",))),
        (["--text=true"], (False, ())),
    ],
)
def test_switches_may_be_given_as_jet_took_them(arguments, found):
    got: list[tuple[bool, tuple[str, ...]]] = []

    @click.command(cls=Command)
    @click.option("--push", is_flag=True)
    @click.option("--text", default="")
    @click.argument("rest", nargs=-1)
    def command(push: bool, text: str, rest: tuple[str, ...]) -> None:
        got.append((push, rest))

    command.main(arguments, standalone_mode=False)

    assert got == [found]
