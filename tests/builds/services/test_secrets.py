"""Who is given which secret: every job its project's, and only what deploys to an environment that environment's."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from accounts.models import AuditEntry
from builds.logs import live
from builds.logs.read import raw
from builds.models import Job, Secret
from builds.models.job import JobKind
from builds.services import secrets
from builds.services.run import job_spec, run
from builds.services.secrets import Place, SecretError, delete_secret, put_secret, secrets_told
from builds.services.secrets_then import differences, fingerprint
from runners.contract import Stop
from tests.builds.queue import add_job, claim_now, fake_executor

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(project, owner):
    """One secret for every job, and some of two environments; one name is in all three places."""
    for environment, name in [
        ("", "SHARED"),
        ("", "URL"),
        ("staging", "URL"),
        ("production", "URL"),
        ("production", "ROOT"),
    ]:
        put_secret(Place(project, environment), name, f"{name} of {environment or 'all'}", who=owner)


@pytest.mark.parametrize(
    ("kind", "environment", "given"),
    [
        (JobKind.PIPELINE, "", {"SHARED": "SHARED of all", "URL": "URL of all"}),
        (JobKind.PIPELINE, "production", {"SHARED": "SHARED of all", "URL": "URL of all"}),
        (JobKind.DEPLOYMENT, "staging", {"SHARED": "SHARED of all", "URL": "URL of staging"}),
        (
            JobKind.DEPLOYMENT,
            "production",
            {"SHARED": "SHARED of all", "URL": "URL of production", "ROOT": "ROOT of production"},
        ),
        (
            JobKind.CHECK,
            "production",
            {"SHARED": "SHARED of all", "URL": "URL of production", "ROOT": "ROOT of production"},
        ),
        (JobKind.DEPLOYMENT, "productio_", {"SHARED": "SHARED of all", "URL": "URL of all"}),
        (JobKind.DEPLOYMENT, "", {"SHARED": "SHARED of all", "URL": "URL of all"}),
    ],
)
def test_what_a_job_is_given(kept, make_build, kind, environment, given):
    job = add_job(make_build(), kind=kind)
    Job.objects.filter(pk=job.pk).update(variables={"CI_ENVIRONMENT": environment} if environment else {})
    spec = job_spec(claim_now())
    assert spec.secrets == given
    assert not any(value in repr(spec) for value in given.values())


def test_a_strangers_fork_gets_none_of_any_environment(kept, make_build):
    job = add_job(make_build(from_fork=True), kind=JobKind.DEPLOYMENT)
    Job.objects.filter(pk=job.pk).update(variables={"CI_ENVIRONMENT": "production"})
    assert job_spec(claim_now()).secrets == {}


@pytest.mark.django_db(transaction=True)
def test_logs_hide_those_of_an_environment(kept, make_build, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    job = add_job(make_build(), "print-env ROOT\nprint-env URL", kind=JobKind.DEPLOYMENT)
    Job.objects.filter(pk=job.pk).update(variables={"CI_ENVIRONMENT": "production"})
    run(claim_now(), fake_executor(tmp_path), Stop())
    log = b"".join(raw(job.steps.get())).decode()
    live.disconnect()
    assert "ROOT=[hidden]\n" in log
    assert "URL=[hidden]\n" in log
    assert "production" not in log
    job.refresh_from_db()
    assert sorted(job.record["secrets"]["hashes"]) == ["ROOT", "SHARED", "URL"]


def test_setting_replacing_and_removing_touches_one_place(kept, project, owner, member):
    put_secret(Place(project, "staging"), "URL", "second value", who=member)
    assert Secret.objects.get(environment="staging", name="URL").value == "second value"
    assert Secret.objects.get(environment="", name="URL").value == "URL of all"
    [told] = secrets_told(Place(project, "staging"))
    assert (told.name, told.changed_by) == ("URL", member)
    assert told.changed_at > told.created_at
    assert not delete_secret(project, "ROOT", who=owner)
    assert delete_secret(project, "URL", who=owner)
    assert sorted(Secret.objects.values_list("environment", "name")) == [
        ("", "SHARED"),
        ("production", "ROOT"),
        ("production", "URL"),
        ("staging", "URL"),
    ]
    newest = AuditEntry.objects.order_by("-pk").values_list("action", "user", "details")[:2]
    assert list(newest) == [
        ("secret.deleted", owner.pk, {"name": "URL"}),
        ("secret.put", member.pk, {"name": "URL", "environment": "staging"}),
    ]
    assert not any("value" in str(entry.details) for entry in AuditEntry.objects.all())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("1X", "v", "no digit"),
        ("A-B", "v", "Use letters"),
        ("", "v", "Use letters"),
        ("X\n", "v", "Use letters"),
        ("Ü", "v", "Use letters"),
        ("X" * 201, "v", "at most 200"),
        ("X", "", "needs a value"),
        ("X", "a\0b", "NUL"),
        ("X", "ü" * 40_000, "64 KiB"),
    ],
    ids=range(9),
)
def test_what_no_process_could_be_given(project, owner, name, value, said):
    with pytest.raises(SecretError, match=said):
        put_secret(Place(project, "production"), name, value, who=owner)
    assert not Secret.objects.exists()


def test_there_is_a_most_for_each_place(project, owner, monkeypatch):
    monkeypatch.setattr(secrets, "MOST", 2)
    for name in ("A", "B"):
        put_secret(project, name, "first value", who=owner)
    with pytest.raises(SecretError, match="the most"):
        put_secret(project, "C", "first value", who=owner)
    put_secret(project, "B", "second value", who=owner)
    put_secret(Place(project, "staging"), "C", "first value", who=owner)
    assert Secret.objects.count() == 3


def test_a_value_is_sealed_and_its_fingerprint_says_nothing(kept, project, owner, make_build):
    build = make_build()
    then = fingerprint(build, "production")
    assert sorted(then["hashes"]) == ["ROOT", "SHARED", "URL"]
    assert sorted(fingerprint(build)["hashes"]) == ["SHARED", "URL"]
    assert not any(name in str(then["hashes"].values()) for name in ("of production", "of all"))
    put_secret(Place(project, "production"), "ROOT", "another value", who=owner)
    today = fingerprint(build, "production")["hashes"]
    assert [(each.name, each.how) for each in differences([then], today)] == [("ROOT", "changed")]
    assert django_settings.SECRET_KEY not in str(then)
