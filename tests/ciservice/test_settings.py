"""Settings that cannot work stop start-up with a line that says what to do."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start():
    """Loads the settings in a bare environment; returns the completed process."""

    def load(**environment: str) -> subprocess.CompletedProcess:
        good = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SEALING_KEY": secrets.token_urlsafe(48),
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "postgres://ci@localhost/ci",
            "DJANGO_SETTINGS_MODULE": "ciservice.settings",
        }
        text = "import django.conf; s = django.conf.settings; print(s.EXECUTOR, s.DATABASES['default']['ENGINE'], s.SESSION_COOKIE_SECURE)"
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", text],
            env={name: value for name, value in {**good, **environment}.items() if value},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return load


def test_production_starts_with_secrets_alone(start):
    done = start(PUBLIC_URL="https://ci.example.com")
    assert done.stdout.split() == ["docker", "django.db.backends.postgresql", "True"], done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SECRET_KEY": ""}, "Set SECRET_KEY"),
        ({"SEALING_KEY": ""}, "Set SEALING_KEY"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY is too weak"),
        ({"DEBUG": "1"}, "DEBUG shows secrets"),
        ({"EXECUTOR": "process"}, "production needs docker"),
        ({"EXECUTOR": "podman"}, "use docker or process"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT='xml': use plain or json"),
        ({"CISERVICE_MODE": "test"}, "use production or embedded"),
        ({"DATABASE_URL": "mysql://x"}, "use postgres://"),
        ({"PUBLIC_URL": "ci.example.com"}, "PUBLIC_URL"),
        ({"RUNNER_CAPACITY": "many"}, "not a whole number"),
        ({"RUNNER_CAPACITY": "0"}, "out of range"),
        ({"DEBUG": "perhaps"}, "neither yes nor no"),
        ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/nonexistent/key"}, "SECRET_KEY_FILE=/nonexistent/key"),
    ],
)
def test_what_cannot_work_is_refused(start, environment, said):
    done = start(**environment)
    assert done.returncode != 0
    assert said in done.stderr.strip().splitlines()[-1]


def test_a_secret_may_lie_in_a_file(start, tmp_path):
    (tmp_path / "key").write_text(secrets.token_urlsafe(48) + "\n")
    assert start(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key")).returncode == 0


def test_sqlite_is_named_by_its_path(start, tmp_path):
    done = start(CISERVICE_MODE="embedded", DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3", EXECUTOR="process")
    assert done.stdout.split()[:2] == ["process", "django.db.backends.sqlite3"], done.stderr
