"""`ciservice backup` and `restore` as people type them, on the SQLite of `make up`."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PERSON = "ann@example.com"


@pytest.fixture
def ciservice(tmp_path):
    """Runs a command of an instance by the name of its data folder."""
    keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "SEALING_KEY")}

    def run(folder: str, *words: str, **more: str) -> subprocess.CompletedProcess:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CISERVICE_MODE": "embedded", **keys, **more}
        return subprocess.run(
            [sys.executable, "-c", "from ciservice.cli import main; main()", *words],
            env={name: value for name, value in {**environment, "DATA_DIR": str(tmp_path / folder)}.items() if value},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def people(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [email for (email,) in database.execute("SELECT email FROM accounts_user")]


def test_there_and_back(ciservice, tmp_path):
    archive = tmp_path / "backup.tar"
    (tmp_path / "old").mkdir()
    assert ciservice("old", "manage", "migrate", "-v", "0").returncode == 0
    made = ciservice(
        "old",
        "manage",
        "createsuperuser",
        "--noinput",
        "--email",
        PERSON,
        DJANGO_SUPERUSER_PASSWORD=secrets.token_hex(),
    )
    assert made.returncode == 0, made.stderr
    (tmp_path / "old" / "storage" / "logs").mkdir(parents=True)
    (tmp_path / "old" / "storage" / "logs" / "1.zst").write_bytes(b"a log")

    done = ciservice("old", "backup", str(archive))
    assert done.returncode == 0, done.stderr
    assert "is whole" in done.stdout

    done = ciservice("new", "restore", "--verify", str(archive))
    assert (done.returncode, "is whole and opens here" in done.stdout) == (0, True), done.stderr
    assert not (tmp_path / "new" / "ciservice.sqlite3").exists()

    done = ciservice("new", "restore", str(archive))
    assert done.returncode == 0, done.stderr
    assert people(tmp_path / "new" / "ciservice.sqlite3") == [PERSON]
    assert (tmp_path / "new" / "storage" / "logs" / "1.zst").read_bytes() == b"a log"

    again = ciservice("new", "restore", str(archive))
    assert (again.returncode, "holds a database already" in again.stderr) == (1, True)
    other = ciservice("third", "restore", str(archive), SEALING_KEY=secrets.token_urlsafe(48))
    assert (other.returncode, "sealed with another key" in other.stderr) == (1, True)


def test_an_instance_of_make_up_is_found_by_its_folder(ciservice, tmp_path):
    """The keys are in its folder; nobody has to know that."""
    folder = tmp_path / "up"
    folder.mkdir()
    keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "SEALING_KEY")}
    (folder / "secrets.json").write_text(json.dumps(keys))
    assert ciservice("up", "manage", "migrate", "-v", "0", **keys).returncode == 0
    nothing = {"SECRET_KEY": "", "SEALING_KEY": "", "CISERVICE_MODE": ""}

    done = ciservice("up", "backup", str(tmp_path / "up.tar"), **nothing)
    assert done.returncode == 0, done.stderr
    done = ciservice("up", "restore", "--verify", str(tmp_path / "up.tar"), **nothing)
    assert done.returncode == 0, done.stderr

    done = ciservice("nowhere", "backup", str(tmp_path / "none.tar"), **nothing)
    assert (done.returncode, "there is no" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
