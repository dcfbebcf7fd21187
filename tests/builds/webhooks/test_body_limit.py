"""25 MiB and no more, whatever the Content-Length says."""

import pytest
from django.test import AsyncRequestFactory

from builds.models import WebhookDelivery
from builds.webhooks import views

MIB = 1024 * 1024


@pytest.fixture
def post(client, project, provider):
    def post(size, **headers):
        return client.post(
            f"/hooks/{provider}/{project.uuid}", b"x" * size, content_type="application/json", headers=headers
        )

    return post


def test_at_the_limit_it_is_read(post):
    assert post(25 * MIB).status_code == 403


@pytest.mark.parametrize("size", [25 * MIB + 1, 26 * MIB + 1])
def test_above_it_it_is_413_and_leaves_no_row(post, size):
    response = post(size)
    assert response.status_code == 413
    assert response.json() == {"errors": ["A webhook's body may have 25 MiB."]}
    assert not WebhookDelivery.objects.exists()


def test_a_small_body_with_a_great_length(post):
    assert post(10, **{"Content-Length": str(2**40)}).status_code in {403, 413}


def test_a_great_body_without_a_length(project):
    request = AsyncRequestFactory().post(
        f"/hooks/generic/{project.uuid}", b"x" * (26 * MIB + 1), content_type="application/json"
    )
    del request.META["CONTENT_LENGTH"]
    assert views.hook(request, "generic", project.uuid).status_code == 413
