"""One segment of a log in storage: zstd frames of about 128 KiB, each readable alone, with their index in the row.

name in storage   logs/<step uuid>/<number>.zst
Segment.frames    [[bytes, line breaks, compressed bytes, CRC32 of the bytes], ...]
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import zstandard
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

SEGMENT_BYTES = 1024 * 1024
FRAME_BYTES = 128 * 1024
LEVEL = 1  # 3 saves a tenth of the space for twice the time

Frame = tuple[int, int, int, int]
"""(bytes, line breaks, compressed bytes, CRC32)."""


class Damaged(Exception):
    """A stretch cannot be read: its file is gone, cut short, or not what was stored."""


@dataclass(frozen=True)
class Place:
    """Where one frame lies."""

    name: str
    start: int
    compressed: int
    size: int
    crc32: int


def encode(data: bytes) -> tuple[bytes, list[Frame]]:
    """Compress a segment; frames end at line breaks where there are any."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_content_size=False)
    body, frames = [], []
    for piece in _cut(data):
        packed = compressor.compress(piece)
        body.append(packed)
        frames.append((len(piece), piece.count(b"\n"), len(packed), zlib.crc32(piece)))
    return b"".join(body), frames


def _cut(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        piece = data[start : start + FRAME_BYTES]
        if start + len(piece) < len(data):
            piece = piece[: whole_lines(piece)]
        yield piece
        start += len(piece)


def whole_lines(data: bytes) -> int:
    """How many of the bytes make whole lines; all of them where no line ends in them."""
    return data.rfind(b"\n") + 1 or len(data)


def decode(packed: bytes, place: Place) -> bytes:
    """The bytes of one frame. Raises `Damaged`."""
    try:
        # The frame carries no size of its own, so that a forged one cannot ask for gigabytes.
        data = zstandard.ZstdDecompressor().decompress(packed, max_output_size=place.size)
    except zstandard.ZstdError as error:
        raise Damaged(f"{place.name} at {place.start}: {error}") from None
    if len(data) != place.size or zlib.crc32(data) != place.crc32:
        raise Damaged(f"{place.name} at {place.start}: not what was stored")
    return data


def store(step_uuid: UUID | str, number: int, body: bytes) -> str:
    """Write a segment's file; returns its name. Storage failures come through as they are."""
    return default_storage.save(f"logs/{step_uuid}/{number}.zst", ContentFile(body))


def discard(name: str) -> None:
    """Remove a segment's file whose row was not written."""
    default_storage.delete(name)


class Reader:
    """Reads frames, keeping the last file open: neighbours are read together. A context manager."""

    def __init__(self) -> None:
        self._name = ""
        self._file: File[Any] | None = None

    def read(self, place: Place) -> bytes:
        """The bytes of one frame. Raises `Damaged`."""
        try:
            file = self._open(place.name)
            file.seek(place.start)
            packed = file.read(place.compressed)
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise Damaged(f"{place.name}: {error}") from None
        return decode(packed, place)

    def _open(self, name: str) -> File[Any]:
        if name != self._name or self._file is None:
            self.close()
            self._file, self._name = default_storage.open(name, "rb"), name
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._name = None, ""

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
