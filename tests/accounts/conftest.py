"""What the tests of accounts share."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _no_attempts_yet():
    """Failed log-ins of one test do not close the door for the next."""
    cache.clear()
    yield
    cache.clear()
