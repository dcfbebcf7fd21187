"""Keeps what outlives a job, for the one attempt that owns it: artifacts and caches, fenced as its every other write."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet, Subquery, Sum
from django.utils import timezone

from builds.models import Artifact, Build, Cache, Job
from builds.services.claim import Claim
from builds.services.fence import check_owned
from builds.services.reported import keep_report
from builds.services.texts import is_storable
from runners.errors import RunnerError
from runners.reports import Reports

log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_LONGEST_PATH = 1000
_MOST_TOLD = 200
_COLUMNS = ("uuid", "branch", "from_fork", "exactly", "restart_of", "project__uuid", "project__default_branch")


class JobDepot:
    """The depot of one attempt; `needs` are the names of the pipelines whose artifacts it gets."""

    def __init__(self, claim: Claim, needs: Sequence[str] = ()) -> None:
        self._claim, self._needs = claim, needs
        self.restored: dict[
            str, dict[str, str]
        ] = {}  # the key that was asked for -> the name and bytes that were found
        self.saved: list[str] = []
        self.laid: list[dict[str, str]] = []
        builds = Build.objects.filter(jobs=claim.job_id).select_related("project")
        self._build = builds.only(*_COLUMNS).get()
        self._project = self._build.project
        self._then = _restored_then(claim, self._build) if self._build.exactly else {}

    def needed(self) -> Iterator[tuple[str, AbstractContextManager[BinaryIO]]]:
        """The artifacts of the pipelines that this one needs."""
        if self._needs:
            rows = Artifact.objects.filter(job__build=self._build, job__name__in=self._needs)
            columns = ("path", "storage_name", "sha256")
            for path, name, sha256 in rows.order_by("job__position", "path").values_list(*columns):
                if len(self.laid) < _MOST_TOLD:
                    self.laid.append({"path": path, "sha256": sha256})
                yield path, _opened(name)

    def keep(self, path: str, source: BinaryIO) -> None:
        """Keep an artifact in the place of an earlier attempt's."""
        if len(path) > _LONGEST_PATH or not is_storable(path):
            raise RunnerError(f"{path[:80]!r} is no name that can be kept.", retry=False)
        counted = _Counted(source)
        name = _saved(f"artifacts/{self._build.uuid}/{uuid.uuid4()}", counted)
        facts = {"size": counted.size, "sha256": counted.digest.hexdigest(), "storage_name": name}
        old = Artifact.objects.filter(job_id=self._claim.job_id, path=path)
        self._written(name, lambda: _replace(old, Artifact(job_id=self._claim.job_id, path=path, **facts)))

    def restore(self, key: str, alike: Sequence[str]) -> tuple[str, AbstractContextManager[BinaryIO]] | None:
        """The best cache for the build's branch; run exactly as then, the one of then."""
        row = self._of_then(key) if self._build.exactly else self._best(key, alike)
        if row is None:
            return None
        self.restored[key] = {"name": row.key, "bundle": row.storage_name}
        Cache.objects.filter(pk=row.pk).update(used_at=timezone.now())
        return row.key, _opened(row.storage_name)

    def has(self, key: str) -> bool:
        """Whether it is kept already. A stranger's fork keeps nothing, nor does what runs exactly as then: so there is
        nothing to make either.
        """
        return self._build.from_fork or self._build.exactly or self._of(self._build.branch).filter(key=key).exists()

    def save(self, key: str, source: BinaryIO) -> None:
        """Keep a cache, and make room for it where the project has more than it may."""
        if self._build.from_fork or self._build.exactly:
            return
        counted = _Counted(source)
        name = _saved(f"caches/{self._project.uuid}/{uuid.uuid4()}", counted)
        row = Cache(project=self._project, branch=self._build.branch, key=key, size=counted.size, storage_name=name)
        self._written(name, lambda: _replace(self._of(self._build.branch).filter(key=key), row))
        self.saved.append(key)
        _make_room(self._project.pk)

    def _of_then(self, key: str) -> Cache | None:
        then = self._then.get(key)
        if then is None:
            return None
        row = Cache.objects.filter(project=self._project, storage_name=then["bundle"]).first()
        if row is None:
            raise RunnerError(f"it was {then['name']} then, which is gone. The job ran without.", retry=False)
        return row

    def report(self, found: Reports) -> None:
        """Keep what the tests of this attempt came to."""
        keep_report(self._claim, found)

    def _best(self, key: str, alike: Sequence[str]) -> Cache | None:
        branches = dict.fromkeys((self._build.branch, self._project.default_branch))
        for branch in branches:
            if row := self._of(branch).filter(key=key).first():
                return row
        for start in alike:
            for branch in branches:
                if row := self._of(branch).filter(key__startswith=start).order_by("-created_at").first():
                    return row
        return None

    def _of(self, branch: str) -> QuerySet[Cache]:
        return Cache.objects.filter(project=self._project, branch=branch)

    def _written(self, name: str, write: Callable[[], list[str]]) -> None:
        """Write the row while the attempt owns its job; whatever is not needed then leaves the storage."""
        try:
            with transaction.atomic():
                check_owned(self._claim)
                gone = write()
        except BaseException:
            forget([name])
            raise
        forget(gone)


def _restored_then(claim: Claim, build: Build) -> dict[str, dict[str, str]]:
    """What the job restored in the build that is run again, by the key that it asked for."""
    job = Job.objects.filter(pk=claim.job_id).values("kind", "position")[:1]
    old = Job.objects.filter(
        build=build.restart_of_id, kind=Subquery(job.values("kind")), position=Subquery(job.values("position"))
    )
    return old.values_list("record__caches__restored", flat=True).first() or {}


class _Counted(File):  # type: ignore[type-arg]  # generic in the stubs only
    """A stream that counts and digests what is read of it once."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__(source)
        self._source = source
        self.digest = hashlib.sha256()
        self.size = 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The stream in parts, from where it stands."""
        while data := self._source.read(chunk_size or _CHUNK):
            self.digest.update(data)
            self.size += len(data)
            yield data


def _saved(name: str, content: _Counted) -> str:
    try:
        return default_storage.save(name, content)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise RunnerError(f"The storage failed: {error}") from None


@contextlib.contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    try:
        file = default_storage.open(name, "rb")
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise RunnerError(f"The storage failed: {error}") from None
    with file:
        yield cast("BinaryIO", file)


def _replace(old: QuerySet[Artifact] | QuerySet[Cache], row: Artifact | Cache) -> list[str]:
    """Put the row in the place of the old one; the names in storage that are not needed any more."""
    gone = list(old.values_list("storage_name", flat=True))
    old.delete()
    row.save(force_insert=True)
    return gone


def _make_room(project_id: int) -> None:
    """Remove a project's caches that were not used for the longest time, until the rest is within the setting."""
    rows = Cache.objects.filter(project=project_id)
    excess = (rows.aggregate(total=Sum("size"))["total"] or 0) - settings.CACHE_BYTES
    for row in rows.order_by("used_at", "pk"):
        if excess <= 0:
            return
        excess -= row.size
        row.delete()
        forget([row.storage_name])


def forget(names: Sequence[str]) -> None:
    """Remove files from storage; what cannot be removed is left behind and said in the log."""
    for name in names:
        try:
            default_storage.delete(name)
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            log.warning("left behind in storage: %s: %s", name, error)
