"""`tests` and `split` of a pipeline."""

from __future__ import annotations

import pytest

from builds.pipeline.plan import ConfigError, pipeline_from_json, pipeline_to_json
from tests.builds.pipeline.helpers import native


def test_reports_and_what_is_split_by_copy():
    plan = native("{steps: [x], tests: ['**/junit.xml', r.xml], split: 'tests/**/test_*.py', parallelism: 3}")
    assert [one.tests for one in plan.pipelines] == [("**/junit.xml", "r.xml")] * 3
    assert [(one.split.index, one.split.total) for one in plan.pipelines] == [(0, 3), (1, 3), (2, 3)]
    assert plan.pipelines[0].split.patterns == ("tests/**/test_*.py",)
    assert pipeline_from_json(pipeline_to_json(plan.pipelines[1])) == plan.pipelines[1]


def test_without_copies_the_one_has_all():
    (one,) = native("{steps: [x], split: 'a*'}").pipelines
    assert (one.split.index, one.split.total, one.tests) == (0, 1, ())


def test_a_variable_of_that_name_is_no_copy():
    (one,) = native("{steps: [x], split: 'a*', environment: {CI_NODE_TOTAL: soon}}").pipelines
    assert one.split.total == 1


@pytest.mark.parametrize("text", ["tests: /etc/r.xml", "split: ../x", "split: ['']"])
def test_a_path_lies_in_the_checkout(text):
    with pytest.raises(ConfigError, match="a path"):
        native(f"steps: [x]\n{text}\n")
