"""What jobs say of their tests: kept for the attempt that owns its job, added up for a build, and compared for flakiness."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from builds.models import BadCase, Build, Job, Tally
from builds.services.claim import Claim
from builds.services.fence import check_owned
from builds.services.texts import storable
from runners.reports import BadCase as Found
from runners.reports import Reports

_COPY = re.compile(r" \d{1,2}/\d{1,2}\Z")
_ID_BYTES = 6
_MOST_COMPARED = 50  # attempts at the same commit
MOST_BAD = 200  # of a build, shown


@dataclass(frozen=True)
class Reported:
    """The tests of a build, by its jobs' newest attempts."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    bad: list[BadCase]  # those that failed, then those that only passed when they were run again
    has_more: bool

    @property
    def total(self) -> int:
        """How many cases there are."""
        return self.passed + self.failed + self.skipped

    @property
    def flaky(self) -> int:
        """How many of those that are shown failed and passed on the same commit."""
        return sum(case.is_flaky for case in self.bad)


def base_name(name: str) -> str:
    """The pipeline that a job is a copy of: "test 2/4" -> "test"."""
    return _COPY.sub("", name)


def keep_report(claim: Claim, found: Reports) -> None:
    """Keep what an attempt's tests came to. LostLease where it is not the owner any more."""
    with transaction.atomic():
        check_owned(claim)
        job = Job.objects.select_related("build").defer("spec", "build__plan").get(pk=claim.job_id)
        Tally.objects.filter(job=job, attempt=claim.attempt).delete()
        tally = Tally.objects.create(
            job=job,
            attempt=claim.attempt,
            project_id=job.build.project_id,
            pipeline=base_name(job.name),
            commit=job.build.commit,
            passed=found.passed,
            failed=found.failed,
            skipped=found.skipped,
            seconds=found.seconds,
            seconds_of={storable(place, 500): seconds for place, seconds in found.seconds_of.items()},
            passed_ids=b"".join(bytes.fromhex(one) for one in sorted(found.passed_ids)),
        )
        BadCase.objects.bulk_create([_row(tally, number, one) for number, one in enumerate(found.bad)])
    # Afterwards: of two that end at the same time, the later one sees both.
    _mark_flaky(tally, found)


def reported_of(build: Build) -> Reported | None:
    """What the tests of a build came to; None where its jobs told of none."""
    rows = Tally.objects.filter(job__build=build, attempt=F("job__attempt"))
    tallies = list(rows.defer("seconds_of", "passed_ids").order_by("job__position", "job_id"))
    if not tallies:
        return None
    bad = BadCase.objects.filter(tally__in=tallies).select_related("tally__job").defer("tally__job__spec")
    shown = list(bad.order_by("passed", "tally__job__position", "tally_id", "position")[: MOST_BAD + 1])
    return Reported(
        passed=sum(tally.passed for tally in tallies),
        failed=sum(tally.failed for tally in tallies),
        skipped=sum(tally.skipped for tally in tallies),
        seconds=round(sum(tally.seconds for tally in tallies), 3),
        bad=shown[:MOST_BAD],
        has_more=len(shown) > MOST_BAD,
    )


def failed_tests(build: Build) -> int:
    """How many cases of the build failed."""
    failed = Tally.objects.filter(job__build=build, attempt=F("job__attempt")).values_list("failed", flat=True)
    return sum(failed)


def _row(tally: Tally, number: int, one: Found) -> BadCase:
    return BadCase(
        tally=tally,
        position=number,
        case_id=one.id,
        name=storable(one.name, 500),
        file=storable(one.file, 500),
        line=one.line,
        seconds=one.seconds,
        message=storable(one.message, 1000),
        passed=one.passed,
        is_flaky=one.is_flaky,
    )


def _mark_flaky(tally: Tally, found: Reports) -> None:
    """Mark what failed here and passed in another attempt at the commit, and the other way round."""
    same = Tally.objects.filter(project=tally.project_id, commit=tally.commit, pipeline=tally.pipeline)
    others = same.exclude(pk=tally.pk).order_by("-pk")[:_MOST_COMPARED]
    failed = {one.id for one in found.bad if not one.passed}
    pks = []
    for pk, passed in others.values_list("pk", "passed_ids"):
        pks.append(pk)
        if passed_there := failed and failed.intersection(_ids(bytes(passed))):
            tally.bad.filter(case_id__in=passed_there).update(is_flaky=True)
    for bad in BadCase.objects.filter(tally__in=pks, passed=False, is_flaky=False):
        if bad.case_id in found.passed_ids:
            BadCase.objects.filter(pk=bad.pk).update(is_flaky=True)


def _ids(data: bytes) -> Iterable[str]:
    return (data[start : start + _ID_BYTES].hex() for start in range(0, len(data), _ID_BYTES))
