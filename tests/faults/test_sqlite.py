"""F35: four writers at one SQLite file: each waits its turn, and none ever hears that the database is locked."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.faults.harness import ROOT

# At its full size: FAULTS_SECONDS=60 pytest tests/faults/test_sqlite.py
SECONDS = float(os.environ.get("FAULTS_SECONDS", "3"))


@pytest.mark.timeout(300 + SECONDS)
def test_four_writers(house, tmp_path):
    environment = house.environment(DATABASE_URL=f"sqlite:///{tmp_path}/one.sqlite3", LEASE_SECONDS="60")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.writers", str(SECONDS)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250 + SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-6000:]
    assert "locked" not in done.stderr
    jobs, passed = (int(word) for word in done.stdout.split() if word.isdigit())
    assert 0 < passed <= jobs
