"""What going to a release would change: shown before anybody presses a button."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builds.models import Secret
from builds.services.secrets_then import fingerprint
from deployments.models import Deployment
from deployments.services.preview import MOST, preview
from runners.contract import PipelineSpec, ServiceSpec, StepSpec
from tests.deployments.conftest import STAGING, of

pytestmark = pytest.mark.django_db


def staging(**environment):
    """The plan of staging with these variables: for all steps, and one for a service and a step below a group."""
    step = StepSpec(name="go", script="./go", environment={"LEVEL": environment.get("LEVEL", "")})
    pipeline = PipelineSpec(
        name="staging",
        steps=(StepSpec(name="all", steps=(step,)),),
        services=(ServiceSpec(name="app", image="app", environment={"PORT": environment.get("PORT", "80")}),),
        environment={name: value for name, value in environment.items() if name not in {"LEVEL", "PORT"}},
    )
    return replace(STAGING, pipeline=pipeline)


def live_with(deployment: Deployment, end) -> Deployment:
    """Make it live, with the secrets of today on record."""
    its = deployment.environment
    Deployment.objects.filter(pk=deployment.pk).update(
        secrets=fingerprint(deployment.release.build, its.name, with_plain=True)
    )
    return end(deployment)


def test_variables_of_the_configuration(release, end):
    first = end(of(release(staging(LEVEL="info", MODE="fast", GONE="x" * 1000)), "staging"))
    second = end(of(release(staging(LEVEL="debug", MODE="fast", NEW="1", PORT="81"), commit="b" * 40), "staging"))
    found = preview(second.environment, first.release)
    assert [(each.name, each.now, each.then) for each in found.variables if each.name != "GONE"] == [
        ("NEW", "1", None),
        ("PORT of service app", "81", "80"),
        ("LEVEL of step go", "debug", "info"),
    ]
    [gone] = [each for each in found.variables if each.name == "GONE"]
    assert (gone.now, len(gone.then), gone.then[-1]) == (None, 300, "…")
    assert (found.change.is_forward, [each.number for each in found.change.releases]) == (False, [2])
    assert preview(second.environment, second.release).variables == ()


def test_many_variables_are_counted(release, end):
    first = end(of(release(staging(**{f"V{n}": "1" for n in range(MOST + 7)})), "staging"))
    second = end(of(release(staging(), commit="b" * 40), "staging"))
    found = preview(second.environment, first.release)
    assert (len(found.variables), found.variables_omitted) == (MOST, 7)


def test_secrets_by_name_and_never_by_value(release, end, project):
    for name in ("SAME", "CHANGED", "GONE"):
        Secret.objects.create(project=project, environment="staging", name=name, value=f"first {name}")
    first = live_with(of(release(), "staging"), end)
    Secret.objects.filter(name="GONE").delete()
    changed = Secret.objects.get(name="CHANGED")
    changed.value = "second CHANGED"
    changed.save()
    Secret.objects.create(project=project, name="NEW", value="first NEW")
    Secret.objects.create(project=project, environment="production", name="OTHER", value="first OTHER")
    second = live_with(of(release(commit="b" * 40), "staging"), end)
    found = preview(second.environment, first.release)
    assert [str(each) for each in found.secrets] == [
        "CHANGED has another value than when release 1 was live; today's is used.",
        "GONE was set when release 1 was live, and is not any more; it goes without.",
        "NEW was not set when release 1 was live; today's is used.",
    ]
    assert found.secrets_are_known
    assert preview(second.environment, second.release).secrets == ()


def test_what_is_not_on_record_is_said_to_be_unknown(release, end):
    first = end(of(release(), "staging"))
    Deployment.objects.update(secrets={})
    second = end(of(release(commit="b" * 40), "staging"))
    found = preview(second.environment, first.release)
    assert (found.secrets, found.secrets_are_known) == ((), False)


def test_a_changed_key_of_the_instance_is_said(release, end, project, settings):
    Secret.objects.create(project=project, name="TOKEN", value="x" * 9)
    first = live_with(of(release(), "staging"), end)
    settings.RECORD_KEY = "ab" * 32
    [note] = preview(first.environment, first.release).secrets
    assert "cannot be compared" in str(note)


def test_what_cannot_be_undone_stands_in_the_way(release, end):
    first = end(of(release(), "staging"))
    second = end(of(release(commit="b" * 40), "staging"))
    assert preview(second.environment, first.release).obstacles == ()
    second.release.irreversible = "migrations/0007.sql was changed"
    second.release.save(update_fields=["irreversible"])
    assert preview(second.environment, first.release).obstacles == (second.release,)
