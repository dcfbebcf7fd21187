"""Checkouts on this machine, and the installed commands run in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures

BIN = Path(sys.executable).parent
SECONDS = 110


@pytest.fixture
def checkout(tmp_path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """A person's, with caches of the test's own and nothing of the service."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "DOCKER_HOST") if name in os.environ}
    return {**kept, "CISERVICE_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def command(checkout, environment):
    """Runs an installed command in the checkout: `command("jet", "steps")`."""

    def command(program: str, *arguments: str, **further: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / program, *arguments],
            cwd=checkout,
            env={**environment, **further},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return command
