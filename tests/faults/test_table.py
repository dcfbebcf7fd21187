"""docs/faults.md names tests that exist, and has a row for every fault."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
TABLE = (TESTS.parent / "docs" / "faults.md").read_text()


def test_every_named_test_exists():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", TABLE)
    assert len(named) > 50
    missing = [
        f"{file}::{name}" for file, name in named if not re.search(rf"\bdef {name}\(", (TESTS / file).read_text())
    ]
    assert missing == []


def test_every_fault_has_its_row():
    assert [int(number) for number in re.findall(r"^\| F(\d+) \|", TABLE, re.MULTILINE)] == list(range(1, 36))


def test_nothing_is_left_unsaid():
    rows = [line for line in TABLE.splitlines() if re.match(r"\| [FT]\d", line)]
    assert [row for row in rows if not re.search(r"::test_|not proved yet|\bF\d", row.split("|", 2)[2])] == []
