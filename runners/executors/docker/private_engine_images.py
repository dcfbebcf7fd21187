"""Takes one image out of an archive that an untrusted engine saved: its content alone, with no names, and all proved.

Whoever knows only the digests of somebody else's layers must not get them: an engine that loads an archive takes a
layer that it has already without looking whether the archive holds it. So each layer's content has to be there.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import IO, Any, BinaryIO

from runners.errors import SpecError

MOST_BYTES = 10 * 1024**3
MOST_MEMBERS = 10_000
MOST_TEXT_BYTES = 4 * 1024 * 1024


class _Hashed(io.RawIOBase):
    """A reader that knows the digest of what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._hash = source, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def plain_image(source: BinaryIO, target: BinaryIO, image: str) -> None:
    """Write to `target` the image of this id as an archive for `docker load`. SpecError where it is not what ids say."""
    try:
        with tarfile.open(fileobj=source, mode="r:") as archive, tarfile.open(fileobj=target, mode="w") as plain:
            _copy(archive, _members(archive), plain, image)
    except (tarfile.TarError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"what it saved is no image ({error})") from error


def _members(archive: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for member in archive:
        found[member.name] = member
        if len(found) > MOST_MEMBERS:
            raise SpecError(f"its archive has more than {MOST_MEMBERS} files")
    return found


def _copy(archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo], plain: tarfile.TarFile, image: str) -> None:
    (item,) = _parsed(_text(archive, members["manifest.json"]))
    config = _text(archive, members[item["Config"]])
    if f"sha256:{hashlib.sha256(config).hexdigest()}" != image:
        raise SpecError("its configuration is not that of its id")
    digests, layers = _only(_only(_parsed(config), "rootfs"), "diff_ids") or [], item["Layers"] or []
    if len(digests) != len(layers):
        raise SpecError("its layers are not those of its configuration")
    names = [f"{number}.tar" for number in range(len(layers))]
    for name, layer, digest in zip(names, layers, digests, strict=True):
        _copy_layer(archive, members[layer], plain, name, digest)
    _add(plain, "config.json", config)
    _add(plain, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": names}]).encode())


def _copy_layer(
    archive: tarfile.TarFile, member: tarfile.TarInfo, plain: tarfile.TarFile, name: str, digest: str
) -> None:
    file = archive.extractfile(member)
    if file is None:
        raise SpecError("a layer is not a file")
    with file:
        entry = tarfile.TarInfo(name)
        entry.size = file.seek(0, io.SEEK_END)
        file.seek(0)
        content = _Hashed(file)
        plain.addfile(entry, content)
    if content.digest != digest:
        raise SpecError("a layer is not what its digest says")


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None or member.size > MOST_TEXT_BYTES:
        raise SpecError("its description is not a small file")
    with file:
        return file.read(MOST_TEXT_BYTES)


def _parsed(text: bytes) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The engine merges what stands twice; we would take the last."""
    if len(dict(pairs)) != len(pairs):
        raise SpecError("its description has a key twice")
    return dict(pairs)


def _only(values: dict[str, Any], key: str) -> Any:
    """The value of a key that the engine, which does not look at their case, cannot find elsewhere."""
    if sum(one.casefold() == key for one in values) != 1:
        raise SpecError(f"its description does not have {key} once")
    return values[key]


def _add(plain: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    plain.addfile(entry, io.BytesIO(content))
