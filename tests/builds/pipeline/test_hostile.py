"""Files that were written to hurt: each is answered within a second of CPU and 100 MiB, which the kernel enforces."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builds.pipeline.hostile_corpus import CASES

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """What became of each, in a child of its own."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.builds.pipeline.hostile"],
        input=json.dumps({name: files for name, (files, _) in CASES.items()}).encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=110,
        check=False,
    )
    assert child.returncode == 0, child.stderr.decode()
    found: dict[str, str] = json.loads(child.stdout)
    return found


@pytest.mark.parametrize("name", CASES)
def test_it_is_bounded_and_answered(name: str, outcomes: dict[str, str]) -> None:
    assert CASES[name][1] in outcomes[name]
