"""Join tokens: good once, for an hour, until they are revoked, and for nobody who guesses."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import AuditEntry, User
from builds.models import JoinToken, Runner
from builds.models.runner import Serves
from builds.services import fleet
from builds.services.join import JoinError, join, make_join_token, open_tokens, revoke_join_token
from builds.services.pulse import beat
from tests.builds.queue import RUNNER

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reachable(settings):
    """Other machines could reach the rows."""
    settings.RUNNER_DATABASE_URL = "postgres://ci:word@10.0.0.1/ci"
    settings.RUNNER_REDIS_URL = "redis://10.0.0.1/0"


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_superuser("root@example.com", "correct horse battery")


@pytest.fixture
def token(admin) -> str:
    return make_join_token(admin, organization=None, serves=Serves.ALL)


def test_it_gives_what_a_runner_needs_and_no_more(admin, organization, settings):
    raw = make_join_token(admin, organization=organization, serves=Serves.TRUSTED)
    told = join(raw, " build-1 ")
    assert told.name == "build-1"
    assert told.settings["DATABASE_URL"] == "postgres://ci:word@10.0.0.1/ci"
    assert told.settings["RUNNER_SERVES"] == "trusted"
    assert told.settings["RUNNER_ORGANIZATION"] == str(organization.uuid)
    assert "SECRET_KEY" not in told.settings
    assert settings.SECRET_KEY not in told.settings.values()
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["runner.join_token_made", "runner.joined"]


def test_it_is_good_once(token):
    join(token, "build-1")
    with pytest.raises(JoinError, match="used once"):
        join(token, "build-2")
    assert JoinToken.objects.get().used_by == "build-1"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_at_a_time_one_joins(token):
    def attempt(number: int) -> bool:
        try:
            join(token, f"build-{number}")
        except JoinError:
            return False
        finally:
            connection.close()
        return True

    if connection.vendor != "postgresql":
        pytest.skip("SQLite writes one after another")
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


def test_it_ends_after_an_hour(token):
    JoinToken.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(JoinError, match="not any more"):
        join(token, "build-1")
    assert not open_tokens()


def test_a_revoked_one_is_good_for_nothing(token, admin):
    made = JoinToken.objects.get()
    assert revoke_join_token(made.uuid, user=admin)
    assert not revoke_join_token(made.uuid, user=admin)
    with pytest.raises(JoinError, match="not any more"):
        join(token, "build-1")


def test_neither_its_text_nor_its_digest_opens_what_the_other_does(token):
    digest = JoinToken.objects.get().digest
    assert token not in digest
    for guess in (digest, token[:-1], token.upper(), "", "cij_"):
        with pytest.raises(JoinError):
            join(guess, "build-1")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x\x1b[2J"])
def test_a_name_that_is_none_leaves_it_good(token, name):
    with pytest.raises(JoinError, match="name"):
        join(token, name)
    assert open_tokens()


def test_the_name_of_a_living_or_revoked_runner_leaves_it_good(token, admin):
    row = beat(RUNNER, capacity=1, executor="fake", draining=False)
    with pytest.raises(JoinError, match="is alive already"):
        join(token, RUNNER.name)
    fleet.revoke(row.pk, user=admin)
    Runner.objects.update(seen_at=Now() - timedelta(days=1))
    with pytest.raises(JoinError, match="was revoked"):
        join(token, RUNNER.name)
    assert open_tokens()


@pytest.mark.parametrize("url", ["", "redis://localhost/0", "redis://127.0.0.1:1/0", "unix:///run/redis.sock"])
def test_none_is_made_where_no_machine_could_reach_what_it_needs(admin, settings, url):
    settings.RUNNER_REDIS_URL, settings.REDIS_URL = url, url or "redis://localhost/0"
    with pytest.raises(JoinError, match="RUNNER_REDIS_URL"):
        make_join_token(admin, organization=None, serves=Serves.ALL)
    assert not JoinToken.objects.exists()


def ask(client, **said: object):
    return client.post(reverse("runner_join"), json.dumps(said), content_type="application/json")


def test_a_machine_asks_without_a_log_in(client, token):
    answer = ask(client, token=token, name="build-1")
    assert answer.status_code == 200
    assert answer.json()["settings"]["RUNNER_NAME"] == "build-1"
    assert "no-store" in answer["Cache-Control"]


def test_who_guesses_has_ten_tries(client, token):
    answers = [ask(client, token=f"cij_{number}", name="build-1").status_code for number in range(11)]
    assert answers == [403] * 10 + [429]
    assert ask(client, token=token, name="build-1").status_code == 429
    assert open_tokens(), "a good token is not used up by who may not try"


@pytest.mark.parametrize("body", ["", "[]", "{", '{"token": 1, "name": "a"}', "x" * 5000])
def test_what_is_no_question_is_refused(client, db, body):
    assert client.post(reverse("runner_join"), body, content_type="application/json").status_code == 400


def test_over_plain_http_nothing_is_told(client, token, settings):
    settings.PUBLIC_URL = "https://ci.example.com"
    settings.SECURE_SSL_REDIRECT = False
    answer = ask(client, token=token, name="build-1")
    assert answer.status_code == 403
    assert "HTTPS" in answer.json()["errors"][0]
    assert open_tokens()


@pytest.mark.django_db(transaction=True)
def test_the_line_writes_a_file_for_its_owner_alone(live_server, token, tmp_path):
    path = tmp_path / "runner.env"
    line = ["join", live_server.url, token, "--name", "build-9", "--labels", "gpu", "--file", str(path)]
    command = [sys.executable, "-c", "from ciservice.cli import main; main()", *line]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    assert {"RUNNER_NAME=build-9", "RUNNER_LABELS=gpu", "RUNNER_SERVES=all"} <= set(path.read_text().splitlines())
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert again.returncode == 1
    assert "has joined" in again.stderr
