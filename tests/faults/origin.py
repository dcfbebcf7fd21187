"""A repository on this machine for builds to fetch from."""

from __future__ import annotations

import subprocess
from pathlib import Path

CONFIGURATION = """
pipelines:
  test:
    steps:
      - {name: unit, run: print hello}
  lint:
    steps:
      - {name: ruff, run: print fine}
"""


def repository(folder: Path, configuration: str = CONFIGURATION) -> str:
    """Make it with one commit, whose id is returned."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    folder.mkdir()
    git("init", "-q", "-b", "main")
    (folder / "ciservice.yml").write_text(configuration)
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    return git("rev-parse", "HEAD")
