"""What S3 calls the bytes of a file that is sent in parts of PART_BYTES. A name for bytes, no proof of anything."""

from __future__ import annotations

import hashlib
from typing import Any

from runners.targets.files import File, Files, opened

PART_BYTES = 64 << 20
_CHUNK = 1 << 20


def etag(files: Files, file: File) -> str:
    """The MD5 of a small file; of a large one that of the MD5s of its parts, with their number."""
    parts: list[Any] = []  # hashes
    with opened(files, file) as (source, _):
        while True:
            part, left = hashlib.md5(usedforsecurity=False), PART_BYTES
            while left and (chunk := source.read(min(_CHUNK, left))):
                part.update(chunk)
                left -= len(chunk)
            if left < PART_BYTES or not parts:
                parts.append(part)
            if left:
                break
    if file.size < PART_BYTES:
        return parts[0].hexdigest()
    return f"{hashlib.md5(b''.join(part.digest() for part in parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
