"""`artifacts` and `cache` of ciservice.yml."""

from __future__ import annotations

import pytest

from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, PlanContext
from runners.contract import CacheSpec


def planned(text):
    return make({"ciservice.yml": text}, PlanContext(branch="main", commit="0" * 40))


def test_what_is_kept():
    plan = planned(
        "pipelines:\n"
        "  build:\n"
        "    steps: [make]\n"
        "    artifacts: [dist/**, '*.xml']\n"
        "    cache: {key: \"pip-{{ checksum 'uv.lock' }}\", paths: [.cache], restore_keys: pip-}\n"
        "  lint: {steps: [ruff check], cache: [{key: a, paths: x}, {key: b, paths: [y, z]}]}\n"
        "deployments: {live: {branch: main, steps: [./deploy]}}\n"
    )
    build, lint = plan.pipelines
    assert build.artifacts == ("dist/**", "*.xml")
    assert build.caches == (CacheSpec(key="pip-{{ checksum 'uv.lock' }}", paths=(".cache",), alike=("pip-",)),)
    assert [cache.paths for cache in lint.caches] == [("x",), ("y", "z")]
    assert plan.deployments[0].pipeline.needs == ("build",), "what was built is what is deployed"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("artifacts: /etc/passwd", "no `/` or `~` in front"),
        ("artifacts: [ok, ../x]", "no `..`"),
        ("cache: pip", "needs a map with `key` and `paths`"),
        ("cache: {paths: [x]}", "a key has 1 to"),
        ("cache: {key: x}", "a cache needs `paths`"),
        ("cache: {key: '{{ checksum }}', paths: x}", "checksum needs a file"),
        ("cache: {key: '{{ checksum /etc/passwd }}', paths: x}", "no `/` or `~` in front"),
        ("cache: {key: '{{ evil }}', paths: x}", "not `evil`"),
        ("cache: {key: '{{ checksum', paths: x}", "is not closed"),
        ("cache: {key: x, paths: x, restore_keys: ['{{ y }}']}", "`restore_keys`"),
        ("cache: {key: x, path: x}", "did you mean `paths`?"),
        ("cache: [" + "{key: x, paths: x}," * 11 + "]", "more than 10 caches"),
    ],
)
def test_what_cannot_be_is_said(text, problem):
    with pytest.raises(ConfigError) as caught:
        planned(f"steps: [a]\n{text}\n")
    assert problem in str(caught.value)
