"""Brings a commit into the runner's bare mirror of its repository."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from runners.checkout.address import Address, parse, pin
from runners.checkout.command import Bounds, GitCommand, GitFailed, GitTimedOut, run_git
from runners.checkout.failures import UNREACHABLE, explain, is_absent, is_blocked_ref, is_network
from runners.checkout.locks import locked
from runners.checkout.policy import GitPolicy
from runners.checkout.transport import transport
from runners.contract import GitSource, Stop
from runners.errors import CheckoutError

logger = logging.getLogger(__name__)

TAGS = "+refs/tags/*:refs/tags/*"
# Every fetch leaves one pack: whole or absent, even after a kill -9. Beyond so many they are joined.
MOST_PACKS = 20
REPACK_SECONDS = 300
_LONGEST_PART = 200  # bytes; git adds ".lock"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MIRROR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_REF_CHARACTERS = re.compile(r"refs/[a-z][a-z-]*/[^\x00-\x20\x7f~^:?*\[\\]{1,290}")


def fetch(source: GitSource, mirrors: Path, *, policy: GitPolicy, stop: Stop | None = None) -> str:
    """The full id of the commit, which is in `<mirrors>/<source.mirror>.git` afterwards; "" means the newest of the ref.

    CheckoutError says in one sentence why it cannot be had; its `retry` whether another attempt could help.
    """
    address = check_source(source, policy)
    bounds = Bounds.of(policy.limits.total_seconds, stop)
    mirror = _Mirror(mirror_path(mirrors, source.mirror), bounds)
    try:
        mirrors.mkdir(parents=True, exist_ok=True)
        if known := mirror.find(source):
            return known
        with locked(mirror.fetch_lock, bounds) as waited:
            # Only who had to wait may find now what was not there before.
            return (waited and mirror.find(source)) or _bring(source, address, mirror, policy)
    except GitTimedOut:
        raise CheckoutError("The git host was too slow: the fetch was given up.") from None
    except GitFailed as failed:
        logger.warning("git failed mirror=%s code=%s text=%r", source.mirror, failed.code, failed.text[-500:])
        raise explain(failed.text) from None
    except OSError as error:
        raise CheckoutError(f"The mirror could not be written: {error.strerror}.") from None


def mirror_path(mirrors: Path, name: str) -> Path:
    """The folder of a mirror."""
    return mirrors / f"{name}.git"


def packs_lock(repository: Path) -> Path:
    """Shared by who reads pack files, alone for who removes them."""
    return repository.with_suffix(".packs.lock")


def check_source(source: GitSource, policy: GitPolicy) -> Address:
    """The address, where everything in the source is well-formed and allowed; CheckoutError(retry=False) otherwise."""
    if source.commit and not _COMMIT.fullmatch(source.commit):
        raise CheckoutError("A commit is 40 or 64 hexadecimal digits.", retry=False)
    if source.ref != "HEAD" and not is_ref(source.ref):
        raise CheckoutError("The name of the branch or tag cannot be used.", retry=False)
    if not _MIRROR.fullmatch(source.mirror) or ".." in source.mirror:
        raise CheckoutError("The mirror's name cannot be used.", retry=False)
    return parse(source.url, policy)


def is_ref(text: str) -> bool:
    """Whether it is a full, well-formed name of a ref."""
    if not _REF_CHARACTERS.fullmatch(text) or ".." in text or "@{" in text or text.endswith((".", "/")):
        return False
    return not any(not part or part.startswith((".", "-")) or part.endswith(".lock") for part in text.split("/"))


def _bring(source: GitSource, address: Address, mirror: _Mirror, policy: GitPolicy) -> str:
    """Fetch, and try again where the fault may pass."""
    mirror.make(sha256=len(source.commit) == 64)
    limits = policy.limits
    for attempt in range(1, limits.tries + 1):
        last = attempt == limits.tries
        try:
            with transport(pin(address, policy), source, mirror.path, limits, attempt) as way:
                return _ask(source, replace(mirror, way=way))
        except GitFailed as failed:
            logger.info("fetch failed mirror=%s attempt=%s text=%r", source.mirror, attempt, failed.text[-500:])
            if last or not explain(failed.text).retry:
                raise
            if not is_network(failed.text):
                mirror.make_anew(sha256=len(source.commit) == 64)
        except CheckoutError as error:
            if last or not error.retry or mirror.bounds.is_stopped:
                raise
        mirror.bounds.pause(limits.pauses[min(attempt, len(limits.pauses)) - 1])
    raise CheckoutError(UNREACHABLE)


def _ask(source: GitSource, mirror: _Mirror) -> str:
    """One fetch of the ref and the tags; where the commit is not in them any more, one of the commit alone."""
    with contextlib.suppress(_Absent):
        mirror.pull(f"+{source.ref}:{_kept_as(source.ref)}", TAGS)
    found = mirror.find(source, newest=True)
    if not found and source.commit:
        with contextlib.suppress(_Absent):
            mirror.pull(f"+{source.commit}:refs/ci/{source.commit}", TAGS)
        found = mirror.find(source, newest=True)
    if not found:
        what = "commit" if source.commit else "branch or tag"
        raise CheckoutError(f"The {what} is not in the repository (any more).", retry=False)
    mirror.pack_loose()
    mirror.tidy()
    return found


def _kept_as(ref: str) -> str:
    """Its name here: a ref is a file, and no file's name may be as long as some hosts let a branch's be."""
    if any(len(part.encode()) > _LONGEST_PART for part in ref.split("/")):
        return f"refs/ci/long/{hashlib.sha256(ref.encode()).hexdigest()}"
    return "refs/ci/head" if ref == "HEAD" else ref


class _Absent(Exception):
    """The remote does not have what was asked for."""


@dataclass(frozen=True)
class _Mirror:
    """One bare repository of ours, and the way to where it comes from."""

    path: Path
    bounds: Bounds
    way: GitCommand | None = None  # arguments: the address

    @property
    def fetch_lock(self) -> Path:
        return self.path.with_suffix(".lock")

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        return run_git(GitCommand(arguments=arguments, folder=self.path, given=given), self.bounds)

    def make(self, *, sha256: bool) -> None:
        """Create it, whole or not at all."""
        if self.path.exists():
            return
        with tempfile.TemporaryDirectory(dir=self.path.parent, prefix="new-") as scratch:
            form = ["--object-format=sha256"] if sha256 else []
            arguments = ["init", "--quiet", "--bare", "--template=", *form, "--initial-branch=main", "mirror"]
            run_git(GitCommand(arguments=arguments, folder=Path(scratch)), self.bounds)
            (Path(scratch) / "mirror").rename(self.path)

    def make_anew(self, *, sha256: bool) -> None:
        """A mirror is a cache: where git stumbles over something that is not the network, begin again."""
        with locked(packs_lock(self.path), self.bounds):
            shutil.rmtree(self.path, ignore_errors=True)
            self.make(sha256=sha256)

    def find(self, source: GitSource, *, newest: bool = False) -> str:
        """The commit's full id where it is here already, else "". A tag's name must be here, too: `git describe` asks."""
        if not self.path.exists() or not (source.commit or newest):
            return ""
        asked = [source.commit or _kept_as(source.ref)]
        if source.ref.startswith("refs/tags/") and not newest:
            asked.append(source.ref)
        lines = "".join(f"{name}^{{commit}}\n" for name in asked).encode()
        try:
            said = self._git("cat-file", "--batch-check=%(objectname) %(objecttype)", given=lines)
        except GitFailed:
            return ""  # a damaged mirror: the fetch will find out, and make it anew
        answers = said.decode().splitlines()
        found = [line.split()[0] for line in answers if line.endswith(" commit")]
        return found[0] if len(found) == len(asked) and len(set(found)) == 1 else ""

    def pull(self, *refspecs: str) -> None:
        """Fetch; a ref of ours that stands in the way of a new one goes first."""
        try:
            self._fetch(*refspecs)
        except GitFailed as failed:
            if is_absent(failed.text):
                raise _Absent from None
            if not is_blocked_ref(failed.text):
                raise
            self._drop_refs()
            self._fetch(*refspecs)

    def _fetch(self, *refspecs: str) -> None:
        assert self.way is not None  # only a mirror with a way is asked to fetch
        flags = ["--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-recurse-submodules"]
        arguments = ["fetch", *flags, "--no-show-forced-updates", "--", *self.way.arguments, *refspecs]
        run_git(replace(self.way, arguments=arguments, folder=self.path), self.bounds)

    def _drop_refs(self) -> None:
        names = self._git("for-each-ref", "--format=delete %(refname)")
        self._git("update-ref", "--stdin", given=names)

    def pack_loose(self) -> None:
        """A host that is no more than a file server (git's "dumb" protocol) gives objects one by one: pack them."""
        if any((self.path / "objects").glob("[0-9a-f][0-9a-f]")):
            self._git("repack", "-d", "-q")

    def tidy(self) -> None:
        """Make few packs of many, the small ones first; a mirror that could not be tidied is still a good one."""
        if len(list(_packs(self.path))) <= MOST_PACKS:
            return
        try:
            bounds = Bounds.of(REPACK_SECONDS, self.bounds.stop)
            with locked(packs_lock(self.path), bounds):
                run_git(GitCommand(arguments=["repack", "--geometric=2", "-d", "-q"], folder=self.path), bounds)
        except (GitFailed, GitTimedOut) as error:
            logger.warning("repack failed mirror=%s error=%s", self.path.name, error)


def folder_bytes(folder: Path) -> int:
    """How large the pack files of a repository are together."""
    return sum(entry.stat().st_size for entry in _packs(folder))


def _packs(folder: Path) -> Iterator[Path]:
    return (folder / "objects/pack").glob("*.pack")
