"""A client of CodeShip's API v2 from PyPI, which nobody here wrote: only its base address is changed."""

from __future__ import annotations

import subprocess
import sys
import tarfile

import pytest
from django.utils import timezone

from builds.models import Build, Project

pytestmark = pytest.mark.django_db(transaction=True)
THEIRS = "https://api.codeship.com/v2"
SECONDS = 60


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The file `codeship_cli/api.py` of codeship-cli 0.0.4, as it was published."""
    folder = tmp_path_factory.mktemp("codeship-cli")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    try:
        subprocess.run([*command, "codeship-cli==0.0.4"], check=True, capture_output=True, timeout=SECONDS)
    except (subprocess.SubprocessError, OSError):
        pytest.skip("codeship-cli 0.0.4 cannot be had from PyPI here")
    with tarfile.open(next(folder.glob("codeship_cli-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.glob("codeship_cli-*/codeship_cli/api.py")
    return source


@pytest.fixture
def client(published, live_server, owner):
    """Logged in with e-mail and password, in the organisation by its name in lower case."""
    text = published.read_text()
    assert THEIRS in text
    module = type(sys)("codeship_cli_api")
    exec(compile(text.replace(THEIRS, f"{live_server.url}/v2"), str(published), "exec"), module.__dict__)
    return module.CodeShipAPI(owner.email, "correct horse battery", "shop")


def test_it_lists_projects_starts_a_build_and_follows_it(client, project):
    listed = client.list_projects()
    assert [(one["name"], one["uuid"]) for one in listed["projects"]] == [("shop/api", str(project.uuid))]
    assert client.get_project(str(project.uuid))["project"]["id"] == project.pk
    builds = f"/organizations/{client.organization_uuid}/projects/{project.uuid}/builds"
    made = client.POST(builds, {"ref": "heads/main"})["build"]
    assert client.GET(f"{builds}/{made['uuid']}")["build"]["status"] == "waiting"
    Build.objects.update(status="passed", finished_at=timezone.now())
    ended = client.GET(f"{builds}/{made['uuid']}")["build"]
    assert (ended["status"], bool(ended["finished_at"])) == ("success", True)
    for part in ("steps", "pipelines", "services"):
        assert client.GET(f"{builds}/{made['uuid']}/{part}") == {part: [], "total": 0, "per_page": 30, "page": 1}


def test_it_makes_a_basic_project(client, organization):
    client.create_project(
        plan_type="basic",
        team_ids=[],
        repository_url="git@github.com:shop/web.git",
        setup_commands=["bundle install"],
        test_pipelines=[{"name": "Test Commands", "commands": ["rake"]}],
        environment_variables=[{"name": "RAILS_ENV", "value": "test"}],
    )
    project = Project.objects.get()
    assert (project.name, project.secrets.get().value) == ("shop/web", "test")


def test_it_knows_a_wrong_password(client):
    with pytest.raises(Exception, match="Unauthorized"):
        type(client)("owner@example.com", "wrong", "shop")
