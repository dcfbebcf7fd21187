"""What tests of this app share."""

from __future__ import annotations

import pytest

from builds.invariants import check_invariants
from builds.logs import live


@pytest.fixture
def invariants_hold(db):
    """The rows are looked at after the test: none may be as it cannot be."""
    yield
    live.disconnect()
    assert check_invariants() == []
