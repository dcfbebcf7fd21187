"""Which of several secrets of one name a job is given, and what is written down of it."""

from __future__ import annotations

import pytest
from django.db import models

from accounts.models import AuditEntry, Organization
from accounts.sealing import seal
from builds.models import Project, ProjectKey, Secret, SecretKind, SecretsGiven
from builds.models.job import JobKind
from builds.services import secrets
from builds.services.claim import Claim
from builds.services.giving import give
from builds.services.run import job_spec
from builds.services.secrets import Place, SecretError, limit_to, put_secret
from builds.services.secrets_for import given, most_specific, place_of
from builds.services.secrets_then import differences, fingerprint
from tests.builds.queue import add_job, claim_now

pytestmark = pytest.mark.django_db
BRANCHES = ["", "main", "m*", "release/*", "tag:v*", "^(dev|test)$"]


@pytest.fixture
def put(project, owner):
    """Sets one somewhere; its value says where."""

    def put(whose: str = "project", branch: str = "", environment: str = "", name: str = "URL", **more) -> Secret:
        there = project.organization if whose == "organization" else project
        value = f"of {whose} {branch} {environment}".strip()
        return put_secret(Place(there, environment, branch), name, value, who=owner, **more)

    return put


def value_of(project, branch, environment="", name="URL"):
    return {each.name: each.value for each in given(project, branch, environment)}.get(name)


@pytest.mark.parametrize(
    ("branch", "environment", "expected"),
    [
        ("main", "", "of project main"),
        ("mine", "", "of project m*"),
        ("release/1.2", "", "of project release/*"),
        ("release", "", "of project"),
        ("dev", "", "of project ^(dev|test)$"),
        ("devil", "", "of project"),
        ("tag:v1", "", "of project tag:v*"),
        ("v1", "", "of project"),
        ("main", "production", "of project  production"),
        ("main", "staging", "of project main"),
    ],
)
def test_the_most_specific_of_a_project_wins(put, project, branch, environment, expected):
    for pattern in BRANCHES:
        put(branch=pattern)
    put(environment="production")
    assert value_of(project, branch, environment) == expected


def test_from_the_organisation_to_the_environment_each_wins_over_the_one_before(put, project):
    order = [("organization", "", ""), ("project", "", ""), ("organization", "m*", ""), ("project", "m*", "")]
    order += [("organization", "main", ""), ("project", "main", ""), ("project", "", "production")]
    order += [("project", "main", "production")]
    for whose, branch, environment in order:
        put(whose, branch, environment)
        expected = f"of {whose} {branch} {environment}".strip()
        assert value_of(project, "main", "production") == expected
    assert value_of(project, "main") == "of project main"
    found = given(project, "main", "production")
    assert most_specific(reversed(found)) == most_specific(found)


def test_an_organisations_reach_all_its_projects_or_those_that_were_chosen(put, project, organization, owner):
    put("organization")
    other = Project.objects.create(organization=organization, name="other", repository_url="https://x.example.com/y")
    elsewhere = Project.objects.create(
        organization=Organization.objects.create(name="Elsewhere", slug="elsewhere"),
        name="other",
        repository_url="https://x.example.com/y",
    )
    assert [value_of(each, "main") for each in (project, other, elsewhere)] == ["of organization"] * 2 + [None]
    limit_to(Place(organization), "URL", [other, elsewhere], who=owner)
    assert [value_of(each, "main") for each in (project, other, elsewhere)] == [None, "of organization", None]
    limit_to(Place(organization), "URL", [], who=owner)
    assert value_of(project, "main") == "of organization"
    notes = (
        AuditEntry.objects.filter(action="secret.limited").order_by("pk").values_list("details__projects", flat=True)
    )
    assert list(notes) == [["other"], []]


def test_a_tag_that_is_called_like_a_branch_is_given_nothing_of_the_branch(put, project, make_build):
    put(branch="main")
    tag, push = make_build(ref="refs/tags/main", branch="main"), make_build(ref="refs/heads/main", branch="main")
    assert value_of(project, place_of(tag)) is None
    assert value_of(project, place_of(push)) == "of project main"


@pytest.mark.parametrize("pattern", ["a\nb", "^(", "x" * 201])
def test_a_pattern_that_matches_nothing_is_refused(put, pattern):
    with pytest.raises(SecretError):
        put(branch=pattern)


def test_kinds_go_their_own_ways(put, make_build):
    put(name="TOKEN")
    put(name="KEY", kind=SecretKind.FILE)
    put(name="LEVEL", kind=SecretKind.VARIABLE)
    put(name="CI_BRANCH", kind=SecretKind.VARIABLE)
    add_job(make_build(branch="main"))
    spec = job_spec(claim_now())
    assert (spec.secrets, spec.secret_files) == ({"TOKEN": "of project"}, {"KEY": "of project"})
    assert (spec.environment["LEVEL"], spec.environment["CI_BRANCH"]) == ("of project", "main")


def test_only_what_is_given_is_opened(put, project, make_build):
    put(name="TOKEN")
    put(name="TOKEN", branch="another")
    lost = put(name="LOST", branch="another")
    lost_key = models.Value(seal("x")[:-12], output_field=models.TextField())
    Secret.objects.filter(pk=lost.pk).update(value=lost_key)
    add_job(make_build(branch="main"))
    assert job_spec(claim_now()).secrets == {"TOKEN": "of project"}


def test_what_an_attempt_was_given_is_written_down_once_by_name(put, project, make_build):
    ProjectKey.objects.create(project=project)
    put("organization", name="A")
    put(branch="m*", name="B")
    put(environment="production", name="C")
    put(name="D", kind=SecretKind.VARIABLE)
    job = add_job(make_build(branch="main"), kind=JobKind.PIPELINE)
    claim = claim_now()
    spec = job_spec(claim)
    job_spec(claim)
    [row] = SecretsGiven.objects.all()
    assert (row.job, row.attempt, row.runner, row.project) == (job, 1, claim.owner, project)
    expected = [["A", "the organisation"], ["B", "the project, branch m*"], ["codeship.aes", "the project"]]
    assert row.given == expected
    assert not any(value in str(row.given) for value in [*spec.secrets.values(), spec.key])
    noted = {secret.name: secret.given_to for secret in Secret.objects.defer("value")}
    assert noted == {"A": job, "B": job, "C": None, "D": None}


def test_much_used_secrets_are_not_written_for_every_job(put, make_build):
    put(name="A")
    jobs = [add_job(make_build(branch="main")) for _ in range(2)]
    claims = [claim_now(), claim_now()]
    job_spec(claims[0])
    job_spec(claims[1])
    assert Secret.objects.get().given_to in jobs
    assert SecretsGiven.objects.count() == 2
    assert Secret.objects.get().given_to == SecretsGiven.objects.order_by("pk").first().job


def test_forks_are_given_nothing_and_nothing_is_written_down(put, make_build, project):
    ProjectKey.objects.create(project=project)
    for kind in SecretKind.values:
        put("organization", name=kind.upper(), kind=kind)
    job = add_job(make_build(branch="main", from_fork=True))
    giving = give(job, Claim(job_id=job.pk, epoch=1, attempt=1, owner="x"), job_spec(claim_now()).pipeline)
    assert (giving.secrets, giving.files, giving.key, giving.plain) == ({}, {}, "", {})
    assert not SecretsGiven.objects.exists()


def test_what_differs_from_then_knows_of_every_place(put, project, make_build):
    build = make_build(ref="refs/heads/main", branch="main")
    put("organization", name="A")
    put(branch="dev", name="OF_DEV")
    put(name="PLAIN", kind=SecretKind.VARIABLE)
    then = fingerprint(build, "production", with_plain=True)
    assert sorted(then["hashes"]) == ["A", "PLAIN"]
    assert sorted(fingerprint(build)["hashes"]) == ["A"]
    put(branch="main", name="A")
    put("organization", name="NEW")
    found = differences([then], fingerprint(build, "production", with_plain=True)["hashes"])
    assert [(each.name, each.how) for each in found] == [("A", "changed"), ("NEW", "new")]


def test_each_place_has_a_most_of_its_own(put, monkeypatch):
    monkeypatch.setattr(secrets, "MOST", 1)
    put(name="A")
    put("organization", name="A")
    put(branch="main", name="A")
    with pytest.raises(SecretError, match="the most"):
        put("organization", name="B")
