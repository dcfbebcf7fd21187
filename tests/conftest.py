"""The cast and the factories that every test may use."""

from __future__ import annotations

import os

import pytest

from accounts.models import Membership, Organization, Role, User
from builds.models import Build, Project

MACHINE = "machine"
LIVE = "live"
# With a loopback of its own (tests/browser/conftest.py) Chromium does not mind what containers do to the network.
BROWSER = "browser" if os.geteuid() == 0 else MACHINE


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items) -> None:
    """Tests that change the machine's network take turns: one xdist worker runs them all. So do those that share much."""
    for item in items:
        if group := _group_of(item):
            item.add_marker(pytest.mark.xdist_group(group))


def _group_of(item) -> str | None:
    marks = {mark.name for mark in item.iter_markers()}
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if marks & {"docker", "networks"} or any(value == "docker" for value in parameters if isinstance(value, str)):
        return MACHINE
    if "tests/browser/" in str(item.path):
        return BROWSER
    return LIVE if "live" in marks else None


def pytest_collection_finish(session) -> None:
    """xdist writes the group into a test's id; where it does not, tests would disturb each other, and nobody would know why."""
    if getattr(session.config.option, "loadgroup", False) and not all(
        item.nodeid.endswith(f"@{mark.args[0]}") for item in session.items for mark in item.iter_markers("xdist_group")
    ):
        raise pytest.UsageError(
            "xdist does not keep the tests of one group together: which pytest and xdist are these?"
        )


@pytest.fixture
def organization(db) -> Organization:
    """The team that the cast belongs to."""
    return Organization.objects.create(name="Shop", slug="shop")


@pytest.fixture
def make_user(db):
    """Makes a user; `organization` and `role` make a member."""

    def make(email: str, organization: Organization | None = None, role: str = Role.CONTRIBUTOR) -> User:
        user = User.objects.create_user(email, "correct horse battery")
        if organization is not None:
            Membership.objects.create(user=user, organization=organization, role=role)
        return user

    return make


@pytest.fixture
def owner(make_user, organization) -> User:
    """May do everything in the organisation."""
    return make_user("owner@example.com", organization, Role.OWNER)


@pytest.fixture
def member(make_user, organization) -> User:
    """A contributor of the organisation."""
    return make_user("member@example.com", organization)


@pytest.fixture
def stranger(make_user, db) -> User:
    """Owns another organisation; what the cast owns does not exist for them."""
    return make_user("stranger@example.com", Organization.objects.create(name="Other", slug="other"), Role.OWNER)


@pytest.fixture
def project(organization) -> Project:
    """A project of the organisation."""
    return Project.objects.create(
        organization=organization, name="shop/api", repository_url="https://git.example.com/shop/api.git"
    )


@pytest.fixture
def make_build(project):
    """Makes a build row; every field may be given."""

    def make(**fields: object) -> Build:
        its_project = fields.pop("project", project)
        its_project.last_build_number += 1
        its_project.save(update_fields=["last_build_number"])
        values = {
            "ref": "refs/heads/main",
            "branch": "main",
            "commit": "a" * 40,
            "message": "Fix tax rounding",
            "author_name": "Ada",
            "author_email": "ada@example.com",
        }
        return Build.objects.create(project=its_project, number=its_project.last_build_number, **{**values, **fields})

    return make
