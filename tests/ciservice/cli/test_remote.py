"""The commands that speak to a server: lists, logs, builds and deployments of a real one, from a real shell."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import time
from datetime import timedelta

import pytest

from accounts.models import ApiToken
from accounts.services.tokens import make_token
from builds.models import Build
from ciservice.cli.remote.credentials import name_for
from ciservice.cli.remote.tables import length
from deployments.models import Deployment, Environment, Release
from tests.ciservice.cli.conftest import BIN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture
def person(environment, tmp_path) -> dict[str, str]:
    """Their machine: a configuration of its own, and no login yet."""
    return {**environment, "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def client(checkout, person, live_server, owner):
    """Runs `ciservice` for the owner; `checkout` is the folder it runs in."""
    _, token = make_token(owner, "laptop")
    named = {"CISERVICE_URL": live_server.url, "CISERVICE_TOKEN": token}

    def client(*arguments: str, **further: str) -> subprocess.CompletedProcess[str]:
        environment = {**person, **named, **further}
        return subprocess.run(
            [BIN / "ciservice", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, timeout=100
        )

    return client


@pytest.fixture
def built(make_build):
    """A build that failed."""
    return make_build(status="failed", reason="unit: Exit code 7.")


def test_projects_and_builds_as_words_and_as_json(client, project, built):
    found = client("projects")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "Shop\tshop/api\tpro\tmain\thttps://git.example.com/shop/api.git\n"
    assert json.loads(client("projects", "--json").stdout)[0]["uuid"] == str(project.uuid)
    words = client("builds", "shop/api").stdout.split("\t")
    assert words[:4] == ["1", "failed", "main", "a" * 8]
    assert [row["number"] for row in json.loads(client("builds", "API", "--json").stdout)] == [1]
    assert client("builds", "api", "--branch", "other").stdout == ""


def test_the_project_is_that_of_the_checkout(client, checkout, project, built):
    assert "no checkout" in client("builds").stderr
    subprocess.run(["git", "init", "-q", str(checkout)], check=True)
    origin = ["git", "-C", str(checkout), "remote", "add", "origin", "git@git.example.com:shop/api.git"]
    subprocess.run(origin, check=True)
    assert client("builds").stdout.startswith("1\tfailed")


def test_the_exit_code_is_the_builds(client, make_build):
    for number, (state, code) in enumerate([("passed", 0), ("failed", 1), ("cancelled", 1), ("waiting", 5)], 1):
        make_build(status=state)
        shown = client("logs", "-f", str(number), "-p", "api")
        assert shown.returncode == code, shown.stderr
        assert shown.stdout.startswith(f"Build #{number} {state}")
        assert json.loads(client("logs", "-p", "api", "--json").stdout)["state"] == state


def test_a_build_is_triggered(client, project):
    made = client("trigger", "api", "--branch", "feature/x", "--pipeline", "unit", "--json")
    assert made.returncode == 0, made.stderr
    build = Build.objects.get()
    assert (build.ref, build.only, json.loads(made.stdout)["number"]) == ("refs/heads/feature/x", ["unit"], 1)
    assert client("trigger", "api").stdout.startswith("Build #2 of main: http")


def test_deploy_and_rollback(client, project, make_build):
    environment = Environment.objects.create(project=project, name="staging")
    for number in (1, 2):
        build = make_build(status="passed")
        Release.objects.create(project=project, build=build, number=number, commit=build.commit)
    unknown = client("deploy", "api", "production")
    assert (unknown.returncode, unknown.stderr) == (
        3,
        "ciservice: shop/api has no environment production: there is staging.\n",
    )
    refused = client("deploy", "api", "staging", "2")
    assert refused.returncode in {0, 1}, refused.stderr
    assert client("deploy", "staging", "two", "three", "four").returncode == 2
    assert "--reason" in client("rollback", "api", "staging").stderr
    assert client("rollback", "api", "staging", "--reason", "Broken").returncode == 3
    assert Deployment.objects.filter(environment=environment).count() == (refused.returncode == 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["builds", "nothing"], 3, "has no project nothing"),
        (["logs", "7", "-p", "api"], 3, "shop/api has no build #7."),
        (["logs", "x", "-p", "api"], 2, "is no build"),
        (["logs", "--nonsense"], 2, "No such option"),
        (["builds", "api", "--limit", "0"], 2, "--limit"),
    ],
)
def test_exit_codes_say_whose_it_is(client, project, arguments, code, said):
    ended = client(*arguments)
    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr


def test_a_wrong_token_and_a_server_that_is_not_there(client, project):
    wrong = client("projects", CISERVICE_TOKEN="cis_wrong")
    assert (wrong.returncode, "log in" in wrong.stderr) == (3, True)
    assert client("projects", CISERVICE_URL="http://127.0.0.1:1").returncode == 4
    assert client("projects", CISERVICE_URL="gopher://x").returncode == 2


def test_logging_in_with_a_password_and_out_again(person, checkout, live_server, owner, tmp_path):
    environment = {**person, "TERM": "dumb"}
    code, said = at_a_terminal(
        environment, "login", live_server.url, "--email", owner.email, answer="correct horse battery"
    )
    assert code == 0, said
    file = tmp_path / "config" / "ciservice" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = json.loads(file.read_text())
    assert kept["default"] == name_for(live_server.url)
    token = ApiToken.objects.get(pk=kept["logins"][kept["default"]]["token_id"])
    assert token.name.startswith("ciservice on ")
    assert "correct horse" not in file.read_text()

    def run(*arguments):
        command = [BIN / "ciservice", *arguments]
        return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=60)

    assert run("projects").returncode == 0
    assert run("logout").stdout == f"Logged out of {live_server.url}.\n"
    assert not ApiToken.objects.filter(pk=token.pk).exists()
    assert run("projects").returncode == 3


def test_completion_knows_commands_and_projects(client, project):
    for shell in ("bash", "zsh", "fish"):
        assert "_CISERVICE_COMPLETE" in client("completion", shell).stdout
    asked = {"_CISERVICE_COMPLETE": "bash_complete", "COMP_CWORD": "2", "COMP_WORDS": "ciservice builds sh"}
    assert client(**asked).stdout == "plain,shop/api\n"
    assert client(**asked, CISERVICE_URL="http://127.0.0.1:1").stdout.strip() == ""


def test_lengths_of_time():
    told = [length(timedelta(seconds=seconds)) for seconds in (-3, 0, 59, 134, 3 * 3600 + 300, 12 * 86400 + 4 * 3600)]
    assert told == ["0s", "0s", "59s", "2m 14s", "3h 5m", "12d 4h"]


def at_a_terminal(environment, *arguments, answer: str) -> tuple[int, str]:
    """Run it with a terminal, and type `answer` when it asks."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(BIN / "ciservice", ["ciservice", *arguments], environment)
    said, typed, end = b"", False, time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # it has ended
            break
        if not data:
            break
        said += data
        if b"Password" in said and not typed:
            os.write(terminal, answer.encode() + b"\n")
            typed = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode(errors="replace")
