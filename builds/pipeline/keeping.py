"""What outlives a job: `artifacts` and `cache` of a pipeline."""

from __future__ import annotations

from builds.pipeline.keys import CACHE
from builds.pipeline.nodes import Mapping, Sequence
from builds.pipeline.report import clean
from builds.pipeline.section import Section
from runners.cache_keys import check_key
from runners.contract import CacheSpec
from runners.gathering import check_pattern

MAX_PATTERNS = 50
MAX_CACHES = 10


def read_artifacts(section: Section) -> tuple[str, ...]:
    """The patterns under `artifacts`."""
    return read_patterns(section, "artifacts")


def read_patterns(section: Section, key: str) -> tuple[str, ...]:
    """The patterns of files of the checkout under `key`."""
    patterns = section.texts(key)
    if len(patterns) > MAX_PATTERNS:
        section.report.error(f"`{key}` has more than {MAX_PATTERNS} paths", section.entry(key))
        return ()
    for pattern in patterns:
        if why := check_pattern(pattern):
            section.report.error(f"`{key}`: {why}", section.entry(key))
    return patterns


def read_caches(section: Section) -> tuple[CacheSpec, ...]:
    """The caches under `cache`: a map, or a list of them."""
    entry = section.entry("cache")
    if entry is None:
        return ()
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    if len(items) > MAX_CACHES:
        section.report.error(f"more than {MAX_CACHES} caches", entry)
        return ()
    found = []
    for item in items:
        if isinstance(item, Mapping):
            found.append(_cache(Section(item, CACHE, section.report, strict=True)))
        else:
            section.report.error("`cache` needs a map with `key` and `paths`", item, key="cache")
    return tuple(found)


def _cache(section: Section) -> CacheSpec:
    paths = read_patterns(section, "paths")
    if not paths:
        section.report.error("a cache needs `paths`: what of the checkout it keeps", section.node)
    return CacheSpec(key=_key(section, section.text("key")), paths=paths, alike=_alike(section))


def _alike(section: Section) -> tuple[str, ...]:
    return tuple(_key(section, text, "restore_keys") for text in section.texts("restore_keys")[:MAX_PATTERNS])


def _key(section: Section, key: str, name: str = "key") -> str:
    if why := check_key(key):
        section.report.error(f"`{name}`: {clean(why)}", section.entry(name) or section.node)
    return key
