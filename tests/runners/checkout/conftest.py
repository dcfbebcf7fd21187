"""A repository, and the folder of the mirrors."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.checkout import GitLimits, GitPolicy
from tests.runners.checkout.repositories import Repository

QUICK = GitLimits(total_seconds=20, pauses=(0.01, 0.02), slow_seconds=1, connect_seconds=5)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    return tmp_path / "mirrors"


@pytest.fixture
def local() -> GitPolicy:
    """Paths of this machine may be fetched."""
    return GitPolicy(allow_local=True, limits=QUICK)
