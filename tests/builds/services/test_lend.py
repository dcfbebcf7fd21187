"""Which jobs find the folder that the operator lends."""

import pytest

from builds.models.job import JobKind
from builds.services.enqueue import enqueue
from builds.services.lend import lend
from runners.contract import PipelineSpec

pytestmark = pytest.mark.django_db
SPEC = PipelineSpec(name="copy", steps=())


@pytest.fixture
def folder(settings, tmp_path):
    settings.DEPLOY_FOLDER = str(tmp_path / "deployed")
    return tmp_path / "deployed"


@pytest.mark.parametrize(
    ("kind", "is_lent"), [(JobKind.DEPLOYMENT, True), (JobKind.CHECK, True), (JobKind.PIPELINE, False)]
)
def test_what_deploys_and_what_looks_at_it_share_a_folder_and_tests_find_none(make_build, folder, kind, is_lent):
    job = enqueue(make_build(), SPEC, kind=kind, variables={})
    mine = folder / str(job.build.project.uuid)
    assert lend(job) == (mine if is_lent else None)
    assert mine.exists() == is_lent


def test_a_fork_is_lent_nothing(make_build, folder):
    assert lend(enqueue(make_build(from_fork=True), SPEC, kind=JobKind.DEPLOYMENT, variables={})) is None


def test_nobody_is_lent_what_the_operator_does_not_lend(make_build, settings):
    settings.DEPLOY_FOLDER = ""
    assert lend(enqueue(make_build(), SPEC, kind=JobKind.DEPLOYMENT, variables={})) is None
