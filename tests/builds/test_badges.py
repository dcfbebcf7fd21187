"""Badges: the newest build's state, for anybody."""

import uuid
from xml.etree import ElementTree

import pytest

from builds.states import CODESHIP_STATUS


def addresses(project):
    return [f"/badges/{project.uuid}.svg", f"/projects/{project.uuid}/status"]


@pytest.mark.parametrize(("state", "word"), CODESHIP_STATUS.items())
def test_the_state_is_in_picture_and_name(client, make_build, project, state, word):
    make_build(status="failed")
    make_build(status=state)
    for address in addresses(project):
        response = client.get(address)
        assert response.status_code == 200
        assert response["Content-Type"] == "image/svg+xml"
        assert response["Content-Disposition"] == f'inline; filename="status_{word}.svg"'
        assert "no-cache" in response["Cache-Control"]
        ElementTree.fromstring(response.content)


def test_a_head_is_enough(client, make_build, project):
    make_build(status="passed")
    assert 'status_success.svg"' in client.head(f"/projects/{project.uuid}/status")["Content-Disposition"]


@pytest.mark.parametrize(
    ("branch", "word"),
    [
        ("feature", "error"),
        ("main", "success"),
        ("", "success"),
        ("none", "branchnotfound"),
        ("a\0b", "branchnotfound"),
    ],
)
def test_a_branch_can_be_named(client, make_build, project, branch, word):
    make_build(status="passed")
    make_build(status="failed", branch="feature", ref="refs/heads/feature")
    response = client.get(f"/badges/{project.uuid}.svg", {"branch": branch})
    assert f"status_{word}.svg" in response["Content-Disposition"]


@pytest.mark.django_db
def test_a_project_that_is_not_there(client):
    response = client.get(f"/projects/{uuid.uuid4()}/status")
    assert "status_projectnotfound.svg" in response["Content-Disposition"]


def test_nothing_of_the_asker_is_in_the_picture(client, project):
    response = client.get(f"/badges/{project.uuid}.svg", {"branch": "<script>alert(1)</script>"})
    assert b"script" not in response.content
    assert "script" not in response["Content-Disposition"]


def test_two_questions_to_the_database(client, make_build, project, django_assert_num_queries):
    make_build()
    with django_assert_num_queries(2):
        client.get(f"/badges/{project.uuid}.svg")
