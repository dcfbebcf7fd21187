"""A house of real processes for each test, and a look at the rows when it is empty again."""

from __future__ import annotations

import pytest

from builds.invariants import check_invariants
from builds.logs import live
from tests.faults.harness import House


@pytest.fixture
def house(transactional_db, tmp_path, request):
    """Processes that are gone when the test is; what they said is shown when it fails."""
    house = House(tmp_path)
    yield house
    house.close()
    live.disconnect()
    print(house.logs())
    assert check_invariants() == []
