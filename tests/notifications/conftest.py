"""Who the builds of these tests are by."""

from __future__ import annotations

import pytest


@pytest.fixture
def ada(make_user, organization):
    """The author of every build that says nothing else."""
    return make_user("ada@example.com", organization)
