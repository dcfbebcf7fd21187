"""Releases: made once of a passed build, with what it used and made; the same wherever they go, and never altered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from builds.models import Artifact, Build, Job, Project, Step
from builds.models.job import JobKind
from builds.states import Status
from deployments.models import Release
from deployments.services.plans import deployments_of
from runners.contract import PipelineSpec, StepKind, built_for

_BUILT = built_for("")
_PUSHED = "pushed by "  # no image can have such a name
_LONGEST_REASON = 2000


def make_release(build: Build) -> Release:
    """The release of a build: numbered within its project, made once."""
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).values_list("pk").get(pk=build.project_id)
        found = Release.objects.filter(build=build).first()
        if found is not None:
            return found
        last = Release.objects.filter(project=build.project_id).aggregate(last=Max("number"))["last"] or 0
        return Release.objects.create(
            project_id=build.project_id,
            build=build,
            number=last + 1,
            commit=build.commit,
            images=images_of(build),
            config_digest=config_digest(build.plan or {}),
            irreversible=_why_irreversible(build),
        )


def images_of(build: Build) -> dict[str, str]:
    """What the build's jobs used and made: names, `built_for` a service, and "pushed by" a step, with their digests.

    Of a name that two jobs had differently the first job's counts.
    """
    jobs = Job.objects.pipelines().filter(build=build).order_by("position", "pk")
    found = _first(record["images"] for record in jobs.values_list("record", flat=True) if record)
    pushed = Step.objects.filter(job__in=jobs, kind=StepKind.PUSH, status=Status.PASSED).exclude(image_digest="")
    for name, digest in pushed.order_by("job__position", "job", "position").values_list("name", "image_digest"):
        found.setdefault(f"{_PUSHED}{name}", digest)
    return found


def config_digest(plan: Mapping[str, Any]) -> str:
    """SHA-256 of what the build's configuration came to: equal for two builds that were to do the same."""
    told = {name: value for name, value in plan.items() if name != "warnings"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def artifacts_of(release: Release) -> QuerySet[Artifact]:
    """The files that its build kept, by path; those that were kept too long ago are gone."""
    return Artifact.objects.filter(job__build=release.build_id, job__kind=JobKind.PIPELINE).order_by("path", "pk")


def pinned(release: Release, pipeline: PipelineSpec) -> PipelineSpec:
    """Steps of a deployment, with every image as the release's build had it, or else its first deployment that passed.

    So production gets what staging verified, and what comes back is what was there. What was built for a service is
    used again where the engine has it, and else built again from the same images. An image that no registry knows
    cannot be had elsewhere, and stays what its name says.
    """
    deployed = Job.objects.filter(build=release.build_id, kind__in=(JobKind.DEPLOYMENT, JobKind.CHECK))
    records = (
        deployed.filter(status=Status.PASSED, record__isnull=False).order_by("pk").values_list("record", flat=True)
    )
    known = _first([release.images, *(record["images"] for record in records if record)])
    images = {name: digest for name, digest in known.items() if _is_the_same_anywhere(name, digest)}
    return replace(pipeline, images={**images, **pipeline.images})


def _is_the_same_anywhere(name: str, digest: str) -> bool:
    return name.startswith(_BUILT) or ("@" in digest and not name.startswith(_PUSHED))


def _first(images: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in images:
        found = {**each, **found}
    return found


def _why_irreversible(build: Build) -> str:
    reasons = (plan.rollout.irreversible.strip() for plan in deployments_of(build))
    return "; ".join(dict.fromkeys(filter(None, reasons)))[:_LONGEST_REASON]
