"""`--build`: a build of a real server, once more on a laptop."""

from __future__ import annotations

import subprocess

import pytest

from accounts.services.tokens import make_token
from builds.models import Build
from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext, plan_to_json

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
HERE = ("--executor", "process")
FILE = "steps: [{name: a, run: 'cat word; echo $CI_BUILD_NUMBER $CI_BRANCH; echo x > made'}]"


def git(folder, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def commit(checkout, project):
    """A commit that was built; the working copy has gone on since."""
    git(checkout, "init", "-q", "-b", "main")
    git(checkout, "remote", "add", "origin", "git@git.example.com:shop/web.git")
    (checkout / "word").write_text("then ")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "first")
    (checkout / "word").write_text("now ")
    project.repository_url = "https://git.example.com/shop/web"
    project.save()
    return git(checkout, "rev-parse", "HEAD")


@pytest.fixture
def build(make_build, commit):
    build = make_build(commit=commit, branch="feature/x")
    plan = make({"ciservice.yml": FILE}, PlanContext(branch="feature/x", commit=commit))
    Build.objects.filter(pk=build.pk).update(plan=plan_to_json(plan))
    return build


@pytest.fixture
def repeat(command, live_server, owner):
    """Runs `ciservice run --build` with a token for the server."""
    _, token = make_token(owner, "laptop")

    def repeat(number: int, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
        named = {"CISERVICE_URL": live_server.url, "CISERVICE_TOKEN": token, **variables}
        return command("ciservice", "run", "--build", str(number), *flags, *HERE, **named)

    return repeat


def test_it_runs_the_commit_of_then_with_the_variables_of_then(repeat, build, checkout, tmp_path):
    result = repeat(build.number)

    assert (result.returncode, result.stderr) == (0, "")
    assert f"(step: a) then {build.number} feature/x" in result.stdout
    assert sorted(path.name for path in checkout.iterdir()) == [".git", "word"], "the working copy is as it was"
    assert list((tmp_path / "cache" / "builds").iterdir()) == []


def test_an_old_build_is_found_among_many(repeat, build, make_build):
    for _ in range(120):
        make_build()
    assert repeat(build.number).returncode == 0


def test_the_project_may_be_named(repeat, build, checkout, project):
    git(checkout, "remote", "remove", "origin")

    without = repeat(build.number)

    assert without.returncode == 1
    assert "has no project with a remote of this checkout: name one with --project UUID." in without.stderr
    assert repeat(build.number, "--project", str(project.uuid)).returncode == 0


def test_a_commit_that_is_not_here_has_to_be_fetched(repeat, build):
    Build.objects.filter(pk=build.pk).update(commit="ab" * 20)

    result = repeat(build.number)

    assert result.returncode == 1
    assert result.stderr == f"ciservice: Commit {'ab' * 20} is not in this repository: get it with `git fetch`.\n"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CISERVICE_TOKEN": "wrong"}, "answered 401: the token is wrong"),
        ({"CISERVICE_TOKEN": ""}, "There is no token"),
        ({"CISERVICE_URL": ""}, "set CISERVICE_URL"),
        ({"CISERVICE_URL": "file:///etc/passwd"}, "is no address"),
        ({"CISERVICE_URL": "http://127.0.0.1:1"}, "cannot be asked"),
    ],
)
def test_what_is_wrong_is_said(repeat, build, variables, said):
    result = repeat(build.number, **variables)
    assert result.returncode == 1
    assert said in result.stderr


def test_a_build_that_is_not_there(repeat, build):
    assert "The project has no build #99." in repeat(99).stderr


def test_a_build_without_a_plan(repeat, make_build, commit):
    assert "has no plan" in repeat(make_build(commit=commit).number).stderr
