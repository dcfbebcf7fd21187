"""The choice between today's settings and those of then, and the difference, without scripts."""

from __future__ import annotations

import subprocess

import pytest

from builds.models import Build, Job, Secret
from builds.services.plan import plan
from builds.services.record_of import hashes, keyed_by
from builds.states import Status

NATIVE = "pipelines:\n  test:\n    image: python:3.12\n    steps:\n      - {name: unit, run: pytest}\n"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.ALLOW_LOCAL_REPOSITORIES = True


@pytest.fixture
def commit(tmp_path, project) -> str:
    """A commit of the project with a ciservice.yml."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "ciservice.yml").write_text(NATIVE)
    git = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    project.repository_url = str(folder)
    project.save()
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def ended(make_build, commit, project):
    """Makes a build that was planned and ended, and ran with this."""

    def ended(digest: str = OLD, secrets=(), **fields) -> Build:
        build = make_build(commit=commit)
        plan(build.pk)
        record = {
            "commit": commit,
            "variables": {},
            "secrets": {"keyed_by": keyed_by(), "hashes": hashes(str(project.uuid), dict(secrets))},
            "images": {"python:3.12": f"python@{digest}"},
            "caches": {"restored": {}, "saved": []},
            "artifacts": [],
            "limits": {"timeout_seconds": 3600, "silence_seconds": 900},
            "default_image": "",
            "runner": {"ciservice": "0.1", "executor": "docker", "engine": "20.10", "git": "2.39"},
            **fields,
        }
        ended = {"status": Status.PASSED, "finished_at": build.created_at}
        Job.objects.filter(build=build).update(attempt=1, record=record, **ended)
        Build.objects.filter(pk=build.pk).update(**ended)
        build.refresh_from_db()
        return build

    return ended


@pytest.fixture
def browser(client, member):
    """A client logged in as a contributor."""
    client.force_login(member)
    return client


def address(build: Build) -> str:
    return f"/projects/{build.project.uuid}/builds/{build.number}/"


def test_the_button_leads_to_the_choice(browser, ended):
    build = ended()
    assert f'href="{address(build)}again"' in browser.get(address(build)).content.decode()
    page = browser.get(address(build) + "again").content.decode()
    assert f'action="{address(build)}retry"' in page
    assert f'action="{address(build)}replay"' in page


def test_the_difference_is_told_and_no_value_of_a_secret(browser, ended, project):
    build = ended(secrets={"TOKEN": "hunter2 hunter2"})
    ended(NEW)
    Secret.objects.create(project=project, name="TOKEN", value="swordfish swordfish")
    data = {**build.plan}
    data["pipelines"][0]["steps"][0]["script"] = "tox"
    data["pipelines"][0]["image"] = "<b>python"
    Build.objects.filter(pk=build.pk).update(plan=data)

    page = browser.get(address(build) + "again").content.decode()

    assert "The secret TOKEN has another value than then." in page
    assert "hunter2" not in page
    assert "swordfish" not in page
    assert build.jobs.get().record["secrets"]["hashes"]["TOKEN"] not in page
    assert "pipelines / test / steps / unit / script" in page
    assert ("tox" in page, "pytest" in page) == (True, True)
    assert "&lt;b&gt;python" in page
    assert (OLD in page, NEW in page) == (True, True)


def test_the_configuration_that_cannot_be_planned_today_says_why(browser, ended):
    build = ended()
    Build.objects.filter(pk=build.pk).update(commit="f" * 40)
    assert "The commit is not on this machine now" in browser.get(address(build) + "again").content.decode()


def test_a_build_without_a_record_says_why_it_cannot_be_replayed(browser, ended):
    build = ended()
    Job.objects.update(record=None)
    page = browser.get(address(build) + "again").content.decode()
    assert "it ran before this instance kept such records" in page
    assert "/replay" not in page

    answer = browser.post(address(build) + "replay", follow=True)
    assert "it ran before this instance kept such records" in answer.content.decode()
    assert Build.objects.count() == 1


def test_exactly_as_then_is_a_new_build_that_says_so(browser, ended, member):
    build = ended()
    answer = browser.post(address(build) + "replay")
    again = Build.objects.latest("pk")
    assert answer.url == address(again)
    assert (again.exactly, again.requested_by) == (True, member)
    assert 'run again exactly as <a href="' in browser.get(address(again)).content.decode()
