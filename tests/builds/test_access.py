"""Who may see and do what."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.models import Membership, Role
from builds import access
from builds.access import RIGHTS, Right
from builds.models import Job, Step


@pytest.fixture
def step(make_build):
    build = make_build()
    job = Job.objects.create(build=build, organization=build.project.organization, name="test", spec={})
    return Step.objects.create(job=job, attempt=1, path="0", position=0, name="unit")


def everything_of(user, step):
    """Every way to reach the step's project, build and step, as calls."""
    build, project = step.job.build, step.job.build.project
    return [
        lambda: access.organization_or_404(user, project.organization.uuid),
        lambda: access.project_or_404(user, project.uuid),
        lambda: access.build_or_404(user, project.uuid, build.number),
        lambda: access.build_in_or_404(user, project.organization.uuid, project.uuid, build.uuid),
        lambda: access.step_in_or_404(user, project.organization.uuid, project.uuid, build.uuid, step.uuid),
        lambda: access.step_or_404(user, step.uuid),
        lambda: access.require(user, project.organization, Right.RESTART_BUILD),
    ]


def test_a_member_sees_what_the_organisation_owns(member, step, organization, django_assert_num_queries):
    for call in everything_of(member, step):
        call()
    assert list(access.organizations_of(member)) == [organization]
    assert list(access.readable_projects(member)) == [step.job.build.project]
    with django_assert_num_queries(1):
        found = access.step_or_404(member, step.uuid)
        assert found.job.build.project.organization == organization
    assert found.job.build.project.get_deferred_fields() == {"hook_secret", "ssh_private_key"}


@pytest.mark.parametrize("who", ["stranger", "anonymous", "administrator"])
def test_for_others_it_does_not_exist(who, stranger, step, make_user):
    user = {"stranger": stranger, "anonymous": AnonymousUser(), "administrator": make_user("root@example.com")}[who]
    if who == "administrator":
        user.is_superuser = user.is_staff = True
        user.save()
    for call in everything_of(user, step):
        with pytest.raises(Http404):
            call()
    assert not access.readable_projects(user).exists()
    assert not access.may(user, step.job.organization, Right.RESTART_BUILD)


def test_a_build_is_found_only_under_its_own_project(member, make_build, organization):
    build = make_build()
    other = type(build.project).objects.create(organization=organization, name="other", repository_url="x")
    with pytest.raises(Http404):
        access.build_or_404(member, other.uuid, build.number)


def test_a_membership_elsewhere_gives_no_right_here(stranger, organization, make_user):
    Membership.objects.create(user=stranger, organization=organization, role=Role.CONTRIBUTOR)
    assert access.may(stranger, organization, Right.RESTART_BUILD)
    with pytest.raises(PermissionDenied, match="You may not deploy"):
        access.require(stranger, organization, Right.DEPLOY)


# codeship.md, section 9.
@pytest.mark.parametrize(
    ("right", "roles"),
    [
        (Right.RESTART_BUILD, "owner manager project_manager contributor"),
        (Right.STOP_BUILD, "owner manager project_manager"),
        (Right.CREATE_PROJECT, "owner manager project_manager"),
        (Right.CHANGE_PROJECT, "owner manager project_manager"),
        (Right.DEPLOY, "owner manager project_manager"),
        (Right.DELETE_PROJECT, "owner manager"),
        (Right.APPROVE, "owner manager"),
        (Right.OVERRIDE_WINDOW, "owner manager"),
        (Right.CHANGE_ORGANIZATION, "owner"),
    ],
)
def test_rights_by_role(right, roles, organization, make_user):
    allowed = {
        role
        for role in Role.values
        if access.may(make_user(f"{role}@example.com", organization, role), organization, right)
    }
    assert allowed == set(roles.split())


def test_every_role_is_in_the_table():
    assert set(RIGHTS) == set(Role.values)
