"""`volumes:` of a service: CodeShip's rules for what is a folder of the checkout and what is a volume."""

from __future__ import annotations

import posixpath
import re

from builds.pipeline.fields import texts
from builds.pipeline.nodes import Entry, Mapping, Node, Scalar, Sequence
from builds.pipeline.paths import PathError, inside
from builds.pipeline.report import Report, clean
from runners.contract import Mount, MountKind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_MODES = frozenset({"", "ro", "rw", "z", "Z", "cached", "delegated", "consistent", "nocopy"})
_IGNORED = {
    "/dev/shm": "the container has its own /dev/shm",  # noqa: S108 - a word in a file, not a path that is opened
    "/var/run/docker.sock": "the host's Docker engine is out of reach: use `add_docker: true`",
    "/run/docker.sock": "the host's Docker engine is out of reach: use `add_docker: true`",
}


class _VolumeError(ValueError):
    """The volume cannot be had; the text says why."""


def read_volumes(entry: Entry, base: str, report: Report, *, strict: bool) -> tuple[Mount, ...]:
    """The mounts of a service; `base` is the folder that relative paths start in."""
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    found: list[Mount] = []
    for item in items:
        try:
            words = _words(item, entry, report)
            if words and not _is_ignored(words, item, report, strict=strict):
                found.append(_mount(words, base))
        except (_VolumeError, PathError) as error:
            report.error(f"volume: {error}", item, key=entry.key)
    return tuple(found)


def _words(item: Node, entry: Entry, report: Report) -> list[str]:
    """[target], [source, target] or [source, target, mode]."""
    if isinstance(item, Mapping):
        return _words_of_map(item)
    if not isinstance(item, Scalar):
        texts(entry, report)  # says what was wanted
        return []
    words = item.text.strip().split(":")
    if len(words) > 3:
        raise _VolumeError(f"`{clean(item.text, 80)}` has more than source, target and mode")
    return words if words != [""] else []


def _words_of_map(item: Mapping) -> list[str]:
    """Compose's long form."""
    values = {entry.key: entry.node.text for entry in item.entries if isinstance(entry.node, Scalar)}
    if values.get("type", "volume") not in ("bind", "volume"):
        raise _VolumeError(f"type `{clean(values['type'], 80)}` is not known: bind or volume")
    target = values.get("target", "")
    if "source" not in values:
        return [target]
    source = values["source"]
    if values.get("type") == "bind" and not source.startswith((".", "/", "~")):
        source = f"./{source}"
    return [source, target, "ro" if values.get("read_only", "").lower() == "true" else ""]


def _is_ignored(words: list[str], item: Node, report: Report, *, strict: bool) -> bool:
    why = _IGNORED.get(posixpath.normpath(words[0])) if len(words) > 1 else None
    if why and strict:
        raise _VolumeError(f"`{words[0]}` is not allowed: {why}")
    if why:
        report.warn(f"the volume `{words[0]}` is ignored: {why}", item, key="volumes")
    return why is not None


def _mount(words: list[str], base: str) -> Mount:
    source, target, mode = ("", *words, "") if len(words) == 1 else (*words, "", "")[:3]
    if not target.startswith("/"):
        raise _VolumeError(f"`{clean(target, 80)}` has to be an absolute path in the container")
    target = posixpath.normpath(target)
    if target == "/":
        raise _VolumeError("nothing can be mounted over the container's `/`")
    unknown = [word for word in mode.split(",") if word not in _MODES]
    if unknown:
        raise _VolumeError(f"mode `{clean(unknown[0], 80)}` is not known: ro or rw")
    read_only = "ro" in mode.split(",")
    if len(words) == 1:
        return Mount(kind=MountKind.ANONYMOUS, target=target)
    if "$" in source:
        raise _VolumeError(f"`{clean(source, 80)}`: variables are not put in here")
    if "/" not in source and not source.startswith((".", "~")):
        if not _NAME.fullmatch(source):
            raise _VolumeError(f"`{clean(source, 80)}` is neither a path nor the name of a volume")
        return Mount(kind=MountKind.NAMED, target=target, source=inside(base, source), read_only=read_only, either=True)
    return Mount(kind=MountKind.CHECKOUT, target=target, source=inside(base, source), read_only=read_only)
