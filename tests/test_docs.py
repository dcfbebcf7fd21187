"""The documentation keeps up: every setting is in docs/operations.md, every link in the pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READERS = re.compile(r'env\.(?:text|flag|whole|words|secret|needed_secret)\(\s*"([A-Z_]+)"')
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def settings() -> list[str]:
    sources = [ROOT / "ciservice" / "settings.py", *(ROOT / "ciservice").rglob("*.py")]
    return sorted({name for source in sources for name in READERS.findall(source.read_text())})


@pytest.mark.parametrize("name", settings())
def test_every_setting_is_documented(name):
    assert f"`{name}`" in (ROOT / "docs" / "operations.md").read_text()


def test_nothing_is_documented_that_is_not_read():
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("| variable |") : text.index("## Backup and restore")]
    named = {
        name
        for line in table.splitlines()[2:]
        for name in re.findall(r"`([A-Z][A-Z_]+)`", line.split("|")[1] if "|" in line else "")
    }
    sources = "".join(p.read_text() for p in (ROOT / "ciservice").rglob("*.py"))
    assert {name for name in named if f'"{name}"' not in sources} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
