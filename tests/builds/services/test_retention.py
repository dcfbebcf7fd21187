"""What builds leave goes after its days: the organisation's own, else the instance's; what is needed stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Organization
from builds.models import Artifact, Build, Job, Project, Segment, Step
from builds.services.prune import prune
from builds.services.prune_builds import NEWEST_KEPT
from builds.services.retention import set_retention
from deployments.models import Release

FOR_EVER = {"build_days": 0, "log_days": 0, "artifact_days": 0, "cache_days": 0}


@pytest.fixture
def old_build(make_build, organization):
    """Makes a build that ended days ago, with a step, a stretch of its log and an artifact."""

    def make(days: int, **fields) -> Build:
        then = timezone.now() - timedelta(days=days)
        build = make_build(**{"status": "passed", "finished_at": then, **fields})
        job = Job.objects.create(
            build=build, organization=build.project.organization, name="test", spec={}, status="passed", attempt=1
        )
        told = {
            "log_lines": 1,
            "log_bytes": 5,
            "log_ended": True,
            "log_complete": True,
            "started_at": then,
            "finished_at": then,
        }
        step = Step.objects.create(job=job, attempt=1, path="0", position=0, name="unit", status="passed", **told)
        kept = default_storage.save(f"logs/{step.uuid}/0.zst", ContentFile(b"a log"))
        Segment.objects.create(
            step=step, number=0, first_byte=0, first_line=0, byte_count=5, line_breaks=1, frames=[], storage_name=kept
        )
        name = default_storage.save(f"artifacts/{job.uuid}.xml", ContentFile(b"<ok/>"))
        row = Artifact.objects.create(job=job, path="report.xml", size=5, sha256="0" * 64, storage_name=name)
        Artifact.objects.filter(pk=row.pk).update(created_at=then)
        return build

    return make


def files_of(build):
    segments = Segment.objects.filter(step__job__build=build).values_list("storage_name", flat=True)
    return [*segments, *Artifact.objects.filter(job__build=build).values_list("storage_name", flat=True)]


def newer(make_build, number=NEWEST_KEPT):
    for _ in range(number):
        make_build(status="passed", finished_at=timezone.now())


def test_builds_go_with_their_files(old_build, make_build, organization, owner):
    old, young = old_build(40), old_build(20)
    newer(make_build)
    names, stay = files_of(old), files_of(young)
    set_retention(organization, {**FOR_EVER, "build_days": 30}, who=owner)
    prune()
    assert not Build.objects.filter(pk=old.pk).exists()
    assert Build.objects.filter(pk=young.pk).exists()
    assert [default_storage.exists(name) for name in [*names, *stay]] == [False, False, True, True]


def test_the_newest_stay_and_what_runs_and_what_was_delivered(old_build, make_build, project, organization, owner):
    running = old_build(40, status="running")
    delivered = old_build(40)
    Release.objects.create(project=project, build=delivered, number=1, commit=delivered.commit)
    gone = old_build(40)
    newest = [old_build(40) for _ in range(NEWEST_KEPT)]
    set_retention(organization, {**FOR_EVER, "build_days": 30}, who=owner)
    prune()
    left = set(Build.objects.values_list("pk", flat=True))
    assert left == {running.pk, delivered.pk, *(build.pk for build in newest)}
    assert gone.pk not in left


def test_logs_go_and_their_builds_stay(old_build, make_build, organization, owner, client):
    old = old_build(40)
    log, artifact = files_of(old)
    set_retention(organization, {**FOR_EVER, "log_days": 30}, who=owner)
    prune()
    assert (default_storage.exists(log), default_storage.exists(artifact)) == (False, True)
    client.force_login(owner)
    step = Step.objects.get(job__build=old)
    page = client.get(f"/projects/{old.project.uuid}/builds/{old.number}/?step={step.uuid}").content.decode()
    assert "Its log was deleted." in page


def test_what_an_organisation_does_not_say_is_as_the_instance_has_it(old_build, settings, owner, organization):
    settings.ARTIFACT_DAYS, settings.BUILD_DAYS, settings.LOG_DAYS = 30, 0, 0
    elsewhere = Project.objects.create(
        organization=Organization.objects.create(name="Other", slug="other"),
        name="o",
        repository_url="https://x.example/o",
    )
    mine, other = old_build(40), old_build(40, project=elsewhere)
    set_retention(organization, {**FOR_EVER, "artifact_days": None, "log_days": 1}, who=owner)
    prune()
    assert Artifact.objects.count() == 0
    assert [Segment.objects.filter(step__job__build=build).exists() for build in (mine, other)] == [False, True]
    assert Build.objects.count() == 2


def test_for_ever_is_for_ever(old_build, organization, settings, owner):
    settings.ARTIFACT_DAYS = 30
    old = old_build(4000)
    set_retention(organization, FOR_EVER, who=owner)
    prune()
    assert len(files_of(old)) == 2


def test_an_owner_says_so_on_the_page(organization, owner):
    client = Client()
    client.force_login(owner)
    address = f"/organizations/{organization.uuid}"
    answer = client.post(f"{address}/retention", {"build_days": "90", "log_days": "30", "artifact_days": ""})
    assert answer.status_code == 302
    organization.refresh_from_db()
    kept = organization.retention
    assert (kept.build_days, kept.log_days, kept.artifact_days, kept.cache_days) == (90, 30, None, None)
    assert AuditEntry.objects.filter(action="organization.retention", user=owner).count() == 1
    page = client.get(f"{address}/settings").content.decode()
    assert 'value="90"' in page
    wrong = client.post(f"{address}/retention", {"build_days": "-1"})
    assert wrong.status_code == 400
    assert "greater than or equal to 0" in wrong.content.decode()
