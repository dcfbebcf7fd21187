"""A release: what its build used and made, the same in every environment, and never altered."""

from __future__ import annotations

import pytest
from django.db import transaction

from builds.models import Artifact, Job, Step
from builds.pipeline.delivery import Rollout
from builds.pipeline.plan import Plan, pipeline_from_json, plan_to_json
from deployments.models import ImmutableError, Release
from deployments.services.releases import artifacts_of, config_digest, make_release, pinned
from runners.contract import PipelineSpec, StepSpec
from tests.deployments.conftest import PRODUCTION, STAGING, environment_plan, of

pytestmark = pytest.mark.django_db

TOOLS, LATER = (f"tools@sha256:{letter * 64}" for letter in "ab")
OWN = f"sha256:{'c' * 64}"


def ran(build, images, *, position=0, kind="pipeline", status="passed", pushed=None) -> Job:
    """A job of the build that has ended, with the images that its record names."""
    job = Job.objects.create(
        build=build,
        organization=build.project.organization,
        name=f"job {position}",
        spec={"name": "x", "steps": []},
        kind=kind,
        status=status,
        position=position,
        record={"images": images},
    )
    if pushed:
        Step.objects.create(
            job=job, attempt=1, path="0", position=0, kind="push", name="push app", status="passed", image_digest=pushed
        )
    return job


@pytest.fixture
def built(make_build):
    """A build with the plan of two environments that is about to become a release."""

    def built(*plans, **fields):
        plan = Plan(source="ciservice.yml", pipelines=(), deployments=plans or (STAGING, PRODUCTION))
        return make_build(plan=plan_to_json(plan), status="passed", **fields)

    return built


def test_it_holds_what_the_build_used_made_and_pushed(built):
    build = built()
    ran(build, {"tools:latest": LATER, "extra:1": "extra@sha256:1"}, position=1)
    first = ran(build, {"tools:latest": TOOLS, "built for app": OWN}, pushed="r.example/app@sha256:2")
    ran(build, {"other:1": "other@sha256:3"}, kind="deployment")
    Artifact.objects.create(job=first, path="dist/app.whl", size=3, sha256="0" * 64, storage_name="a")
    release = make_release(build)
    assert release.images == {
        "tools:latest": TOOLS,
        "built for app": OWN,
        "extra:1": "extra@sha256:1",
        "pushed by push app": "r.example/app@sha256:2",
    }
    assert (release.commit, release.config_digest) == (build.commit, config_digest(build.plan))
    assert [each.path for each in artifacts_of(release)] == ["dist/app.whl"]
    assert make_release(build) == release


def test_equal_configurations_have_equal_digests(built):
    plain = plan_to_json(Plan(source="ciservice.yml", pipelines=()))
    warned = {**plain, "warnings": [{"text": "An old key"}]}
    assert config_digest(plain) == config_digest(dict(reversed(warned.items())))
    assert config_digest(plain) != config_digest({**plain, "source": "codeship-steps.yml"})


def test_it_says_why_it_cannot_be_taken_back(built):
    changed = Rollout(irreversible="migrations/0007.sql was changed")
    plans = [environment_plan(name, branch="main", rollout=changed) for name in ("staging", "production")]
    assert make_release(built(*plans)).irreversible == "migrations/0007.sql was changed"
    assert make_release(built(commit="b" * 40)).irreversible == ""


@pytest.mark.parametrize(
    "alter",
    [
        lambda release: Release.objects.filter(pk=release.pk).update(images={}),
        lambda release: Release.objects.update(irreversible="x", commit="b" * 40),
        lambda release: release.save(),
        lambda release: release.save(update_fields=["irreversible", "config_digest"]),
        lambda release: Release.objects.bulk_update([release], ["images"]),
        lambda release: release.project.releases.update(number=9),
    ],
)
def test_it_never_changes(built, alter):
    release = make_release(built())
    release.images, release.irreversible, release.config_digest = {"x": "y"}, "no way back", "0" * 64
    with pytest.raises(ImmutableError, match="never changes"), transaction.atomic():
        alter(release)
    fresh = Release.objects.get()
    assert (fresh.images, fresh.irreversible, fresh.config_digest) == ({}, "", config_digest(fresh.build.plan))
    release.save(update_fields=["irreversible"])
    assert Release.objects.get().irreversible == "no way back"


def test_a_deployment_runs_with_the_images_of_the_release(built):
    build = built()
    ran(build, {"tools:latest": TOOLS, "built for app": OWN, "here-only:1": OWN}, pushed="r.example/app@sha256:2")
    release = make_release(build)
    pipeline = PipelineSpec(name="staging", steps=(StepSpec(name="go", image="tools", script="./go"),))
    assert pinned(release, pipeline).images == {"tools:latest": TOOLS, "built for app": OWN}, (
        "an image that no registry knows is on one machine alone; what was built is built again elsewhere"
    )
    assert pinned(release, pipeline).steps == pipeline.steps


def test_production_gets_what_staging_verified(built):
    build = built()
    release, pipeline = make_release(build), PipelineSpec(name="production", steps=())
    ran(build, {"kubectl:1": LATER}, kind="deployment", status="failed")
    ran(build, {"kubectl:1": TOOLS}, kind="deployment")
    ran(build, {"kubectl:1": LATER, "curl:8": LATER}, kind="check")
    assert pinned(release, pipeline).images == {"kubectl:1": TOOLS, "curl:8": LATER}


def test_promotion_and_rollback_take_the_images_along(release, end, django_capture_on_commit_callbacks):
    first = of(release(), "staging")
    job = first.job
    job.record = {"images": {"tools:latest": TOOLS}}
    job.save(update_fields=["record"])
    end(first)
    production = of(first.release.build, "production")
    assert pipeline_from_json(production.job.spec).images == {"tools:latest": TOOLS}
