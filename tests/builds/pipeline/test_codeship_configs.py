"""Files of real CodeShip projects, where a copy of them lies beside the checkout: every one of them makes a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, plan_from_json, plan_to_json
from tests.builds.pipeline.helpers import context

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "codeship-configs"
PROJECTS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if FOLDER.is_dir() else []
BRANCHES = ("master", "main", "develop", "staging", "feature/x", "v1.2.3", "1.2.3", "ветка")

# Their steps name services that their services file does not have: CodeShip refused them too.
BROKEN = {
    "codeship__ci-guide__part5": {"the service `checkrb` does not exist"},
    "theGeorgew__documentation_server__docker": {
        "the service `php` does not exist",
        "the service `Daux` does not exist",
    },
}


def test_the_files_are_there() -> None:
    if not PROJECTS:
        pytest.skip("no folder of real projects beside the checkout (shared/codeship-configs)")
    assert set(PROJECTS) > BROKEN.keys()


@pytest.mark.parametrize("project", PROJECTS)
def test_a_real_project(project: str) -> None:
    files = {path.name: path.read_bytes().decode() for path in (FOLDER / project).iterdir() if path.name != "SOURCE"}
    refused: set[str] = set()
    for branch in BRANCHES:
        try:
            plan = make(files, context(branch))
        except ConfigError as error:
            refused |= {problem.text for problem in error.problems}
        else:
            assert plan_from_json(plan_to_json(plan)) == plan
            assert [
                service.refused for pipeline in plan.pipelines for service in pipeline.services if service.refused
            ] == []
    assert {text.partition(":")[0] for text in refused} == BROKEN.get(project, set())
