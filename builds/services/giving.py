"""Open what one attempt at a job is given, and write down that it was, before anything of it leaves this function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from builds.models import Job, Secret, SecretKind, SecretsGiven
from builds.services.claim import Claim
from builds.services.id_tokens import id_tokens
from builds.services.project_key import key_of
from builds.services.record_of import PROJECT_KEY
from builds.services.secrets_for import Given, given_to
from runners.contract import PipelineSpec

_NOTED_SECONDS = 10  # the rows of much used secrets are not written for every job


@dataclass(frozen=True, kw_only=True)
class Giving:
    """All that a job is given beside its configuration."""

    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)
    key: str = field(default="", repr=False)  # the project's; "" = none
    plain: dict[str, str] = field(default_factory=dict)


def give(job: Job, claim: Claim, pipeline: PipelineSpec) -> Giving:
    """For a job with its build and project. A stranger's fork gets nothing, and nothing is written down of it.

    What runs exactly as it ran then has the plain variables of then among its own.
    """
    if job.build.from_fork:
        return Giving()
    found, tokens, key = given_to(job), id_tokens(job, claim, pipeline), key_of(job.build.project_id)
    secrets = {each.name: each.value for each in found if each.kind == SecretKind.SECRET}
    plain = {each.name: each.value for each in found if each.kind == SecretKind.VARIABLE and not job.build.exactly}
    giving = Giving(
        secrets=secrets | tokens,
        files={each.name: each.value for each in found if each.kind == SecretKind.FILE and each.name not in tokens},
        key=key,
        plain=plain,
    )
    secret = [each for each in found if each.kind != SecretKind.VARIABLE and each.name not in tokens]
    more = [
        *((name, "a token of the job's own") for name in sorted(tokens)),
        *([(PROJECT_KEY, "the project")] if key else []),
    ]
    _write_down(job, claim, secret, more)
    return giving


def _write_down(job: Job, claim: Claim, found: list[Given], more: Iterable[tuple[str, str]]) -> None:
    told = [*((each.name, each.place) for each in found), *more]
    if not told:
        return
    with transaction.atomic():
        row = SecretsGiven(
            project=job.build.project,
            job=job,
            attempt=claim.attempt,
            runner=claim.owner,
            given=[list(one) for one in told],
        )
        SecretsGiven.objects.bulk_create([row], ignore_conflicts=True)
        if found:
            _note(job, [each.pk for each in found])


def _note(job: Job, keys: list[int]) -> None:
    """On the secrets' own rows, but for those that somebody has in hand, or noted a moment ago: nobody waits for it."""
    now = timezone.now()
    stale = Q(given_at=None) | Q(given_at__lt=now - timedelta(seconds=_NOTED_SECONDS))
    rows = Secret.objects.select_for_update(skip_locked=True, no_key=True).filter(stale, pk__in=keys)
    if noted := list(rows.values_list("pk", flat=True)):
        Secret.objects.filter(pk__in=noted).update(given_at=now, given_to=job)
