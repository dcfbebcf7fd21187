"""A build's artifacts on its page and in the API."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.services.tokens import make_token
from builds.models import Artifact
from builds.states import Status
from tests.builds.queue import add_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def artifact(make_build):
    build = make_build(status=Status.PASSED)
    job = add_job(build)
    name = default_storage.save("artifacts/x", ContentFile(b"<script>"))
    return Artifact.objects.create(job=job, path="dist/ré port.html", size=8, sha256="0" * 64, storage_name=name)


def body(response):
    async def read():
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(read)()


def test_the_page_lists_them_and_gives_them_as_downloads(client, owner, project, artifact):
    client.force_login(owner)
    address = f"/projects/{project.uuid}/builds/1/"
    page = client.get(address).content.decode()
    assert "1 artifact<" in page
    assert "dist/ré port.html" in page
    response = client.get(f"{address}artifacts/{artifact.uuid}")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''r%C3%A9%20port.html"
    assert (response.headers["Content-Length"], body(response)) == ("8", b"<script>")


def test_another_builds_number_does_not_reach_it(client, owner, project, artifact, make_build):
    make_build()
    client.force_login(owner)
    assert client.get(f"/projects/{project.uuid}/builds/2/artifacts/{artifact.uuid}").status_code == 404


def test_what_storage_lost_is_a_404(client, owner, project, artifact):
    default_storage.delete(artifact.storage_name)
    client.force_login(owner)
    assert client.get(f"/projects/{project.uuid}/builds/1/artifacts/{artifact.uuid}").status_code == 404


def test_the_api(client, owner, organization, project, artifact):
    _, token = make_token(owner, "t")
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    uuid = artifact.job.build.uuid
    address = f"/v2/organizations/{organization.uuid}/projects/{project.uuid}/builds/{uuid}/artifacts"
    listed = client.get(address).json()["artifacts"]
    assert [(one["path"], one["size"], one["pipeline"]) for one in listed] == [("dist/ré port.html", 8, "test")]
    assert body(client.get(f"{address}/{artifact.uuid}")) == b"<script>"
