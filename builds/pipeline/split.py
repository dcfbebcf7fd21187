"""`split` of a pipeline: the files of tests that its copies share out."""

from __future__ import annotations

from collections.abc import Mapping

from builds.pipeline.keeping import read_patterns
from builds.pipeline.section import Section
from runners.contract import SplitSpec


def read_split(section: Section, environment: Mapping[str, str]) -> SplitSpec | None:
    """What is split, and which copy this is, as `parallelism` numbered it; None where nothing is."""
    patterns = read_patterns(section, "split")
    if not patterns:
        return None
    index, total = environment.get("CI_NODE_INDEX", "0"), environment.get("CI_NODE_TOTAL", "1")
    return SplitSpec(patterns=patterns, index=int(index), total=int(total))
