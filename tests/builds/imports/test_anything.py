"""Whatever a file holds: an answer, the same each time, and never anything but a ConfigError."""

from __future__ import annotations

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builds.imports import circleci, github, gitlab
from builds.imports.find import import_files
from builds.pipeline.plan import ConfigError

WORDS = (
    "on push branches tags jobs steps run uses with if env strategy matrix include exclude needs container image services"
    " stages stage script variables cache key files paths rules only except parallel retry max extends artifacts default"
    " version executors commands docker workflows requires filters type name parameters triggers schedule cron a b"
)
KEYS = st.sampled_from(WORDS.split())
TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "${{ matrix.x }}",
            "<< parameters.x >>",
            "$CI_COMMIT_SHA",
            "{{ checksum 'a' }}",
            "manual",
            "1",
            "!reference",
        ]
    ),
    st.text(max_size=8),
    st.none(),
    st.integers(0, 9),
)
VALUES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)
ROOTS = st.dictionaries(KEYS, VALUES, max_size=5)
FILES = {"github": f"{github.FOLDER}a.yml", "gitlab": gitlab.FILE, "circleci": circleci.FILE}


@given(system=st.sampled_from(sorted(FILES)), root=ROOTS)
@settings(max_examples=400, deadline=None)
def test_any_shape(system, root):
    files = {FILES[system]: yaml.safe_dump(root, allow_unicode=True)}
    try:
        found = import_files(system, files)
    except ConfigError:
        return
    assert import_files(system, files) == found
    assert yaml.safe_load(found.text) is None or isinstance(yaml.safe_load(found.text), dict)
