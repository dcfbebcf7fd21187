"""`volumes:` of a service: CodeShip's rules for what is a folder of the checkout and what is a volume."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from builds.pipeline.fields import texts
from builds.pipeline.nodes import Entry, Mapping, Node, Scalar, Sequence
from builds.pipeline.paths import PathError, inside
from builds.pipeline.report import Report, clean
from runners.contract import Mount, MountKind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_MODES = frozenset({"", "ro", "rw", "z", "Z", "cached", "delegated", "consistent", "nocopy"})
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a word in a file, not a path that is opened
_SOCKETS = frozenset({"/var/run/docker.sock", "/run/docker.sock"})


class _VolumeError(ValueError):
    """The volume cannot be had; the text says why."""


@dataclass(frozen=True, kw_only=True)
class VolumeTerms:
    """What the volumes of a service depend on: the folder that relative paths start in, and what else it says."""

    base: str
    strict: bool  # ciservice.yml: what cannot be mounted is an error, not the failure of a step
    add_docker: bool


def read_volumes(entry: Entry, terms: VolumeTerms, report: Report) -> tuple[Mount, ...]:
    """The mounts of a service."""
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    found: list[Mount] = []
    for item in items:
        try:
            words = _words(item, entry, report)
            if words and not _is_left_out(words, terms, item, report):
                found.append(_mount(words, terms.base))
        except (_VolumeError, PathError) as error:
            complain = report.error if terms.strict else report.refuse
            complain(f"volume: {error}", item, key=entry.key)
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


def _is_left_out(words: list[str], terms: VolumeTerms, item: Node, report: Report) -> bool:
    """Whether the container has of its own what the volume asks of the host: shared memory, an engine's socket."""
    source = posixpath.normpath(words[0]) if len(words) > 1 else ""
    if source in _SOCKETS:
        if terms.strict or not terms.add_docker:
            raise _VolumeError(
                f"`{words[0]}` is the host's Docker engine, which no job reaches:"
                " `add_docker: true` gives the service an engine of the job's own"
            )
        return True
    if source == _SHARED_MEMORY and terms.strict:
        raise _VolumeError(f"`{words[0]}` is not allowed: the container has its own, remove it")
    if source == _SHARED_MEMORY:
        report.warn(f"the volume `{words[0]}` is ignored: the container has its own", item, key="volumes")
    return source == _SHARED_MEMORY


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
