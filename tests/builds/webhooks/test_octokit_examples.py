"""GitHub's own example payloads, all of them: every one gets an answer."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from builds.models import Build
from builds.models.connection import Provider

PACKAGE = "@octokit/webhooks-examples@7.6.1"


@pytest.fixture(scope="session")
def examples() -> list[dict]:
    """[{"name": event, "examples": [payload, ...]}, ...], from npm, kept between runs outside the repository."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = Path(os.environ.get("TEST_CACHE", tempfile.gettempdir())) / "ci-octokit-examples"
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / "node_modules" / "@octokit" / "webhooks-examples"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (package / "package.json").exists():
            install = [
                "npm",
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(folder),
                PACKAGE,
            ]
            done = subprocess.run(install, capture_output=True, text=True, timeout=100)
            if done.returncode:
                pytest.skip(f"npm install failed: {done.stderr[-200:]}")
    found = sorted(package.rglob("index.json"))
    return json.loads(found[0].read_text())


def test_every_example_gets_an_answer(examples, project, send):
    project.provider = Provider.GITHUB
    project.save()
    answers: Counter[int] = Counter()
    for event in examples:
        for number, payload in enumerate(event["examples"]):
            response = send(payload, event=event["name"], delivery=f"{event['name']}-{number}")
            assert response.status_code < 500, event["name"]
            assert response.json().keys() & {"build", "ignored"}, (event["name"], response.content)
            answers[response.status_code] += 1
    assert sum(answers.values()) > 200
    assert set(answers) == {200, 202}
    assert Build.objects.exists()
