"""What the tests of the API share: a client with a token."""

import pytest
from django.test import AsyncClient, Client

from accounts.services.tokens import make_token
from builds.models import Job, Step


def with_token(user, kind=Client):
    """A client that sends a new token of `user` with everything it asks."""
    _, raw = make_token(user, "test")
    client = kind()
    client.defaults["AUTHORIZATION" if kind is AsyncClient else "HTTP_AUTHORIZATION"] = f"Bearer {raw}"
    return client


@pytest.fixture
def api(owner):
    """A client that acts as the owner."""
    return with_token(owner)


@pytest.fixture
def api_of():
    """A client that acts as the user given."""
    return with_token


@pytest.fixture
def projects_url(organization):
    return f"/v2/organizations/{organization.uuid}/projects"


@pytest.fixture
def builds_url(projects_url, project):
    return f"{projects_url}/{project.uuid}/builds"


@pytest.fixture
def make_step(make_build):
    """Makes a step of a build's job; the job is made where the build has none."""

    def make_job(build):
        organization = build.project.organization
        return Job.objects.create(build=build, organization=organization, name="test", spec={}, attempt=1)

    def make(build=None, job=None, **fields):
        if job is None:
            build = build or make_build()
            job = build.jobs.first() or make_job(build)
        values = {"attempt": job.attempt, "path": "0", "position": 0, "name": "unit", "status": "passed"}
        return Step.objects.create(job=job, **{**values, **fields})

    return make
