"""Settings of SSH hosts as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.targets.checking import problems
from runners.targets.ssh.settings import Settings, parts_of

GOOD = {"hosts": ["web-1.example.com"], "user": "deploy", "to": "/srv/shop"}


def wrong(**fields) -> list[str]:
    return [str(problem) for problem in problems("ssh", {**GOOD, **fields})]


def test_what_is_needed_is_little():
    assert wrong() == []
    assert [str(problem) for problem in problems("ssh", {})] == ["hosts: is needed", "to: is needed"]


def test_a_variable_may_name_several_hosts():
    assert Settings(**{**GOOD, "hosts": ["web-1, web-2\nweb-3"]}).hosts == ("web-1", "web-2", "web-3")
    assert wrong(hosts="${HOSTS}") == []


def test_one_text_stands_for_a_list():
    assert Settings(**{**GOOD, "hosts": "a@web-1", "shared": "log/"}).hosts == ("a@web-1",)


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        ("web-1", ("", "web-1", 22)),
        ("web-1:2222", ("", "web-1", 2222)),
        ("deploy@10.0.0.1", ("deploy", "10.0.0.1", 22)),
        ("deploy@[fd00::1]:22", ("deploy", "fd00::1", 22)),
    ],
)
def test_hosts(host, parts):
    assert wrong(hosts=[host]) == []
    assert parts_of(host) == parts


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a=b", "web:0", "web:99999", "u@v@w", "web;id", "ssh://web"])
def test_what_is_no_host(host):
    assert "is no host: write host, host:port or user@host:port" in wrong(hosts=[host])[0]


def test_a_host_twice_and_nobody_to_be():
    assert wrong(hosts=["a", "a"]) == ["hosts: a host stands there twice"]
    assert wrong(hosts=["u@a", "b"], user="") == ["say who to be on b: `user`, or user@b"]


@pytest.mark.parametrize(
    "to", ["srv/shop", "/", "/srv", "/etc", "/srv/../etc", "/srv/a b", "/srv/$(id)", "/srv/a;b", "/srv//a"]
)
def test_where_no_release_goes(to):
    assert len(wrong(to=to)) == 1


@pytest.mark.parametrize("path", ["/log", "../log", "a/../b", "a b", "a//b", "", "./log"])
def test_what_cannot_be_shared(path):
    assert "is no path inside of a release" in wrong(shared=[path])[0]


def test_names_may_stand_where_they_are_filled_in():
    assert wrong(hosts=["${HOST}", "${USER}@web:${PORT}"], to="/srv/${CI_ENVIRONMENT}", key="${KEY}") == []


@pytest.mark.parametrize(("name", "value"), [("within", "soon"), ("check_within", "10"), ("keep", 0), ("batch", -1)])
def test_numbers_and_durations(name, value):
    assert len(wrong(**{name: value})) == 1


def test_every_setting_is_documented():
    text = (Path(__file__).parents[4] / "docs/deploying.md").read_text()
    section = text[text.index("### SSH hosts") :].split("\n## ")[0]

    assert [name for name in Settings.model_fields if f"| `{name}` |" not in section] == []
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
