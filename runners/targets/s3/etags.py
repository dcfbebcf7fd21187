"""What S3 calls the bytes of a file that is sent in parts of PART_BYTES. A name for bytes, no proof of anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from runners.targets.files import File, Files, opened

PART_BYTES = 64 << 20
_CHUNK = 1 << 20


def etag(files: Files, file: File) -> str:
    """The MD5 of a small file; of a large one that of the MD5s of its parts, with their number."""
    with opened(files, file) as (source, _):
        parts = list(_parts(source))
    if file.size < PART_BYTES:
        return parts[0].hex()
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


def _parts(source: BinaryIO) -> Iterator[bytes]:
    """The MD5 of every part; an empty file has one, too."""
    is_first = True
    while True:
        part, left = hashlib.md5(usedforsecurity=False), PART_BYTES
        while left and (chunk := source.read(min(_CHUNK, left))):
            part.update(chunk)
            left -= len(chunk)
        if is_first or left < PART_BYTES:
            yield part.digest()
        if left:
            return
        is_first = False
