"""What outlives a job: artifacts of others and caches are laid into the checkout, its own are kept at the end.

None of it decides a job: what could not be had or kept is a note, but for a cache's key that cannot be.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from runners.bundle import pack, unpack
from runners.cache_keys import filled
from runners.contract import CacheSpec, Depot, JobSpec, Output
from runners.errors import RunnerError, SpecError
from runners.gathering import Found, Most, find, open_beneath
from runners.reports import read
from runners.trees import FOLDER, opened_beneath

logger = logging.getLogger(__name__)

MOST_ARTIFACTS = Most(files=1000, bytes=1 << 30)
MOST_CACHED = Most(files=300_000, bytes=4 << 30)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Outliving:
    """The files of one job that come from before it, or stay after it."""

    def __init__(self, job: JobSpec, folder: Path, depot: Depot, mask: Callable[[str], str] = str) -> None:
        self._job, self._folder, self._depot, self._mask = job, folder, depot, mask
        self._keys: dict[CacheSpec, str] = {}
        self.notes: list[str] = []

    def bring(self, say: Output) -> None:
        """Lay out what the jobs that this one needs have kept, and the caches. SpecError for a key that cannot be."""
        for cache in self._job.pipeline.caches:
            self._keys[cache] = self._filled(cache.key)
            with self._noting(f"The cache {self._keys[cache]} could not be restored"):
                say(f"{self._restore(cache)}\n".encode())
        with self._noting("The artifacts of an earlier pipeline could not be fetched"):
            count = sum(self._lay(path, opened) for path, opened in self._depot.needed())
            if count:
                say(f"Artifacts of earlier pipelines: {count}\n".encode())

    def keep(self, *, passed: bool) -> None:
        """Keep what its tests came to, the artifacts, and of a job that passed the caches that are not kept yet."""
        if self._job.pipeline.tests:
            with self._noting("The reports of tests could not be kept"):
                self._report()
        for pattern in self._job.pipeline.artifacts:
            with self._noting(f"Artifacts {pattern}"):
                self._keep(pattern)
        for cache, key in self._keys.items() if passed else ():
            with self._noting(f"The cache {key} was not saved"):
                self._save(cache, key)

    def _filled(self, key: str) -> str:
        environment = self._job.environment
        facts = {
            "branch": environment.get("CI_BRANCH", ""),
            "commit": environment.get("CI_COMMIT_ID", ""),
            "pipeline": self._job.pipeline.name,
        }
        return filled(key, self._folder, facts)

    def _restore(self, cache: CacheSpec) -> str:
        key = self._keys[cache]
        found = self._depot.restore(key, [self._filled(start) for start in cache.alike])
        if found is None:
            return f"Cache {key}: none yet"
        name, opened = found
        with opened as source:
            count = unpack(self._folder, source, most_bytes=MOST_CACHED.bytes)
        return f"Cache {name}: {count} files restored"

    def _lay(self, path: str, opened: contextlib.AbstractContextManager[BinaryIO]) -> int:
        """Write one artifact where it was, through no link."""
        *folders, name = path.split("/")
        for number in range(len(folders)):
            above = opened_beneath(os.open(self._folder, FOLDER), folders[:number])
            with above as handle, contextlib.suppress(FileExistsError):
                os.mkdir(folders[number], dir_fd=handle)
        with opened_beneath(os.open(self._folder, FOLDER), folders) as handle:
            descriptor = os.open(name, _NEW, 0o644, dir_fd=handle)
        with os.fdopen(descriptor, "wb") as target, opened as source:
            shutil.copyfileobj(source, target)
        return 1

    def _keep(self, pattern: str) -> None:
        found = find(self._folder, [pattern], MOST_ARTIFACTS)
        if not found:
            self.notes.append(f"Artifacts {pattern}: nothing matches.")
        for one in found:
            with open_beneath(self._folder, one.path) as source:
                self._depot.keep(one.path, source)

    def _report(self) -> None:
        found = read(self._folder, self._job.pipeline.tests, self._mask)
        self.notes.extend(found.notes)
        if found.total:
            self._depot.report(found)

    def _save(self, cache: CacheSpec, key: str) -> None:
        if self._depot.has(key):
            return
        found: list[Found] = find(self._folder, cache.paths, MOST_CACHED, links=True)
        if not found:
            self.notes.append(f"The cache {key} was not saved: {', '.join(cache.paths)} matches nothing.")
            return
        with tempfile.TemporaryFile() as bundle:
            pack(self._folder, found, bundle)
            bundle.seek(0)
            self._depot.save(key, bundle)

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """A note of what went wrong; the job goes on."""
        try:
            yield
        except (RunnerError, SpecError, OSError) as error:
            logger.info("job=%s: %s: %s", self._job.name, what, error)
            self.notes.append(f"{what}: {_said(error)}")


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or 'it cannot be read'}."
    return str(error)
