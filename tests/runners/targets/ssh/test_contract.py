"""The contract of all targets, on hosts with real sshds."""

from __future__ import annotations

import pytest

from tests.runners.targets.contract import TargetContract


class TestHosts(TargetContract):
    @pytest.fixture
    def place(self, make_hosts):
        return make_hosts(4)
