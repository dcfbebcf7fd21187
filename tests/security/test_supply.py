"""T55: what this service is made of is named by version, never by what is newest today."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def images() -> dict[str, str]:
    """Every image that the compose file and the Dockerfiles name, by where."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found = {f"docker-compose.yml: {name}": _plain(of["image"]) for name, of in compose["services"].items()}
    for path in (ROOT / "Dockerfile", *ROOT.glob("*/Dockerfile")):
        text = path.read_text()
        defaults = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
        stages = set(re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE | re.IGNORECASE))
        for name in re.findall(r"^FROM (?:--\S+ )?(\S+)", text, re.MULTILINE):
            for variable, value in defaults.items():
                name = name.replace(f"${{{variable}}}", value)
            if name not in stages:
                found[f"{path.relative_to(ROOT)}: {name}"] = name
    return found


def _plain(name: str) -> str:
    return _DEFAULT.sub(r"\1", name)


@pytest.mark.parametrize(("where", "image"), images().items())
def test_an_image_is_named_by_version_or_digest(where, image):
    _, _, tag = image.rpartition("/")[2].partition(":")
    assert "@sha256:" in image or tag not in {"", "latest", "stable", "edge"}, f"{where}: {image}"


def test_our_own_image_is_of_this_version():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    ours = {_plain(of["image"]) for of in compose["services"].values() if _plain(of["image"]).startswith("ciservice:")}
    assert ours == {f"ciservice:{PROJECT['version']}"}


def test_every_package_has_a_least_version():
    loose = [each for each in PROJECT["dependencies"] if not re.search(r"[>=~]=\s*\d", each)]
    assert loose == []
