"""The post-receive script, run by git in a real bare repository against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builds.models import Build, WebhookDelivery

SCRIPT = Path(__file__).parents[3] / "builds" / "webhooks" / "post-receive"
MESSAGE = 'Fix "tax"\n\n\\back, tab\t, $(id) `id` é 日本 \x07 end'

pytestmark = pytest.mark.django_db(transaction=True)

# Which programs the script finds: what a git server has, and what one without curl and openssl has.
TOOLS = {"curl": ["curl", "openssl", "od", "sed"], "python": ["python3"]}


@pytest.fixture(params=["curl", "python"])
def path(request, tmp_path):
    """A PATH with git, a shell and one of the two ways to post."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ["git", "sh", "env", *TOOLS[request.param]]:
        found = sys.executable if tool == "python3" else shutil.which(tool)
        if found is None:
            pytest.skip(f"{tool} is not installed")
        (folder / tool).symlink_to(found)
    return str(folder)


class Repository:
    """A bare repository with the hook in place, and a clone to push from."""

    def __init__(self, folder: Path, path: str) -> None:
        self.bare, self.clone = folder / "bare.git", folder / "clone"
        self.environment = {
            "PATH": path,
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()},
        }
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), where=folder)
        self.git("init", "-q", "-b", "main", str(self.clone), where=folder)
        hook = self.bare / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        shutil.copy(SCRIPT, hook)
        hook.chmod(0o755)

    def git(self, *arguments: str, where: Path | None = None) -> str:
        """Run git in the clone; returns all it printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=where or self.clone,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def configure(self, url: str, secret: str) -> None:
        """Say where to tell, and with what secret."""
        self.git("config", "ciservice.url", url, where=self.bare)
        self.git("config", "ciservice.secret", secret, where=self.bare)

    def commit(self, message: str = MESSAGE) -> str:
        """Commit something; returns the commit's id."""
        self.git("commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, *refs: str) -> list[str]:
        """Push; returns what the hook said, a line each."""
        output = self.git("push", "-q", str(self.bare), *refs)
        return [line.split("ciservice: ", 1)[1].strip() for line in output.splitlines() if "ciservice: " in line]


_PERSON = {"NAME": 'Ada "A" O\'Love', "EMAIL": "ada@example.com"}


@pytest.fixture
def repository(tmp_path, path, live_server, project):
    """A repository that tells the project's hook."""
    made = Repository(tmp_path, path)
    made.configure(f"{live_server.url}/hooks/generic/{project.uuid}", project.hook_secret)
    return made


def test_a_push_prints_the_build(repository, project):
    commit = repository.commit()
    (said,) = repository.push("main")
    build = Build.objects.get()
    assert said == f"build #1 http://testserver/projects/{project.uuid}/builds/1/"
    assert (build.commit, build.branch, build.ref) == (commit, "main", "refs/heads/main")
    assert build.message == MESSAGE
    assert (build.author_name, build.author_email) == (_PERSON["NAME"], _PERSON["EMAIL"])


def test_every_ref_of_a_push_is_told(repository):
    commit = repository.commit()
    repository.git("tag", "-a", "v1", "-m", "Version 1")
    said = repository.push("main", "main:refs/heads/we\"ird'$(x)", "refs/tags/v1")
    assert len(said) == 3
    assert set(Build.objects.values_list("branch", "commit")) == {
        ("main", commit),
        ("we\"ird'$(x)", commit),
        ("v1", commit),
    }


def test_a_deleted_branch_is_told_and_not_built(repository):
    repository.commit()
    repository.push("main:refs/heads/gone")
    assert repository.push(":refs/heads/gone") == ["nothing to build: refs/heads/gone was deleted."]
    assert Build.objects.count() == 1
    assert WebhookDelivery.objects.filter(outcome="ignored").count() == 1


def test_a_wrong_secret_is_said_and_the_push_goes_through(repository):
    repository.git("config", "ciservice.secret", "wrong", where=repository.bare)
    repository.commit()
    (said,) = repository.push("main")
    assert said.startswith("refused: X-Ciservice-Signature")
    assert repository.git("rev-parse", "main", where=repository.bare)


@pytest.mark.parametrize("secret", ["x", "a b c", "%s \\0 'quoted'", "x" * 64, "y" * 65, "z" * 200, "schlüssel"])
def test_any_secret_signs(repository, project, secret):
    project.hook_secret = secret
    project.save()
    repository.git("config", "ciservice.secret", secret, where=repository.bare)
    if len(secret) > 64 and "curl" in os.listdir(repository.environment["PATH"]):
        (Path(repository.environment["PATH"]) / "python3").symlink_to(sys.executable)
    repository.commit()
    assert repository.push("main")[0].startswith("build #1")


def test_without_settings_it_says_what_to_do(tmp_path, path):
    repository = Repository(tmp_path, path)
    repository.commit()
    assert repository.push("main") == ["not told: set ciservice.url and ciservice.secret with git config"]


def test_a_server_that_is_away_holds_no_push_up(tmp_path, path):
    repository = Repository(tmp_path, path)
    repository.configure("http://127.0.0.1:1/hooks/generic/x", "secret")
    repository.commit()
    said = repository.push("main", "main:refs/heads/other")
    assert len(said) == 1
    assert said[0].startswith("not reached:")


def test_something_else_at_the_address_is_not_repeated_to_people(repository, live_server):
    repository.git("config", "ciservice.url", f"{live_server.url}/login", where=repository.bare)
    repository.commit()
    (said,) = repository.push("main")
    assert said == f"{live_server.url}/login does not answer like ciservice"


def test_the_secret_is_no_argument_of_a_program(repository, project):
    """Other people of the machine can read arguments; so every program the script starts notes its own here."""
    folder = Path(repository.environment["PATH"])
    log = folder / "arguments"
    for tool in ("curl", "openssl", "od", "python3"):
        if (folder / tool).exists():
            real = (folder / tool).resolve()
            (folder / tool).unlink()
            (folder / tool).write_text(f'#!/bin/sh\nprintf "%s " "$@" >> {log}\nexec {real} "$@"\n')
            (folder / tool).chmod(0o755)
    repository.commit()
    assert repository.push("main")[0].startswith("build #1")
    assert project.hook_secret not in log.read_text()
