"""What is to be in the bucket: files of the checkout, each with the headers that it is served with."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import posixpath
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from runners.errors import SpecError
from runners.gathering import matcher
from runners.targets.contract import TargetError, Tell
from runners.targets.files import File, Files, gather
from runners.targets.s3.marker import MARKER
from runners.targets.s3.settings import Settings

_PAGES = (".html", ".htm")
_TYPES = mimetypes.MimeTypes()  # not those of this machine
for _ending, _type in {
    ".avif": "image/avif",
    ".map": "application/json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}.items():
    _TYPES.add_type(_type, _ending)


@dataclass(frozen=True)
class Upload:
    """One object."""

    path: str  # below the bucket's folder
    file: File
    headers: dict[str, str]  # as boto3 calls them

    @property
    def is_page(self) -> bool:
        """Sent last: it names others, which have to be there by then."""
        return self.path.lower().endswith(_PAGES)


@dataclass(frozen=True)
class Uploads:
    """All objects, and the checkout that they come from."""

    files: Files
    all: tuple[Upload, ...]

    @classmethod
    def of(cls, settings: Settings, root: Path, tell: Tell) -> Uploads:
        """TargetError where there is nothing to send."""
        files = _gathered(root, settings.local_path)
        regular = {file.path: file for file in files.files if not file.link}
        cache_control = _cache_control(settings)
        found = []
        for file in files.files:
            target = regular.get(_target(file)) if file.link else file
            if target is None:
                tell(f"left out, a link to no file: {file.path}")
            elif file.path != MARKER:
                found.append(Upload(file.path, target, _headers(file.path, settings.acl, cache_control(file.path))))
        for path in files.left_out:
            tell(f"left out, a link that leads out of {settings.local_path}: {path}")
        return cls(files, tuple(found))


def look_of(settings: Settings) -> str:
    """Short text that changes when files have to be sent again with other headers; "" for the plainest."""
    if not settings.acl and not settings.cache_control:
        return ""
    return hashlib.sha256(json.dumps([settings.acl, settings.cache_control]).encode()).hexdigest()[:16]


def _gathered(root: Path, local_path: str) -> Files:
    """Those of a folder, or the one file that the path is."""
    if not _is_file(root / local_path):
        return gather(root, local_path)
    folder, name = posixpath.split(posixpath.normpath(local_path))
    files = gather(root, folder or ".")
    return replace(files, files=tuple(file for file in files.files if file.path == name), left_out=())


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _target(link: File) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.link))


def _headers(path: str, acl: str, cache_control: str) -> dict[str, str]:
    kind, packed = _TYPES.guess_type(path)
    wished = {
        "ContentType": "application/gzip" if packed == "gzip" else kind or "application/octet-stream",
        "ACL": acl,
        "CacheControl": cache_control,
    }
    return {name: value for name, value in wished.items() if value}


def _cache_control(settings: Settings) -> Callable[[str], str]:
    given = settings.cache_control
    patterns = {"**": given} if isinstance(given, str) else given
    try:
        rules = [(matcher([pattern]), value) for pattern, value in patterns.items()]
    except SpecError as error:
        raise TargetError(f"cache_control: {error}") from None
    return lambda path: next((value for fits, value in rules if fits(path)), "")
