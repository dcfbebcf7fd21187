"""The demo project shows what deployments can do, offline: a check, a share first, and the way back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext
from ciservice.embedded.demo import TEMPLATE

COMMIT = "c" * 40


@pytest.fixture
def checkout(tmp_path):
    """A copy of the demo, as a runner lays it out, and the folder that it deploys to."""
    shutil.copytree(TEMPLATE, tmp_path / "checkout")
    for script in (tmp_path / "checkout").glob("*.sh"):
        script.chmod(0o755)
    (tmp_path / "deployed").mkdir()
    return tmp_path


def run(place: Path, script: str, environment: str, percent: str = "100") -> int:
    variables = {
        "PATH": os.environ["PATH"],
        "CI_COMMIT_ID": COMMIT,
        "CI_RELEASE": "1",
        "CI_ENVIRONMENT": environment,
        "CI_DEPLOY_FOLDER": str(place / "deployed"),
        "CI_ROLLOUT_PERCENT": percent,
    }
    return subprocess.run([f"./{script}"], cwd=place / "checkout", env=variables, capture_output=True).returncode


def test_its_file_shows_a_check_a_share_and_the_way_back():
    files = {"ciservice.yml": (TEMPLATE / "ciservice.yml").read_text()}
    plan = make(files, PlanContext(branch="main", commit=COMMIT))
    assert plan.warnings == ()
    staging, production = plan.deployments
    assert (staging.name, production.after) == ("staging", "staging")
    assert (production.rollout.percents, production.rollout.rollback.automatic) == ((50.0,), True)
    assert 0 < production.rollout.bake_seconds <= 5, "a newcomer waits for it"
    for place in (staging, production):
        assert place.rollout.checks is not None
        assert place.rollout.probes == (), "it needs no network"


def test_a_share_goes_to_the_first_visitors_alone(checkout):
    assert run(checkout, "deploy.sh", "production", "50") == 0
    place = checkout / "deployed" / "production"
    assert COMMIT in (place / "first" / "index.html").read_text()
    assert not (place / "index.html").exists()
    assert run(checkout, "deploy.sh", "production") == 0
    assert COMMIT in (place / "index.html").read_text()


def test_what_says_that_it_is_broken_in_production_fails_there_alone(checkout):
    page = checkout / "checkout" / "site" / "index.html"
    page.write_text(page.read_text() + "<p>Broken in production.</p>\n")
    for environment, code in (("staging", 0), ("production", 1)):
        assert run(checkout, "deploy.sh", environment) == 0
        assert run(checkout, "verify.sh", environment) == code


def test_another_release_than_the_one_that_was_deployed_is_seen(checkout):
    assert run(checkout, "deploy.sh", "staging") == 0
    page = checkout / "deployed" / "staging" / "first" / "index.html"
    page.write_text(page.read_text().replace(COMMIT, "d" * 40))
    assert run(checkout, "verify.sh", "staging") == 1
