"""The API against its own document, asked what nobody would think of: no error of ours, and only answers it promised."""

from __future__ import annotations

from datetime import timedelta

import jsonschema_rs
import pytest
import requests
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from builds.models import Artifact
from builds.pipeline.basic import Kept, KeptDeployment, KeptPipeline, Match
from builds.services.keep_pipelines import keep_pipelines
from ciservice.urls import api as ninja_api
from deployments.models import Deployment, Environment, Freeze, Release

DOCUMENT = ninja_api.get_openapi_schema(path_prefix="/v2/")
OPERATIONS = {
    operation.ok().definition.raw["operationId"]: operation.ok()
    for operation in schemathesis.openapi.from_dict(dict(DOCUMENT)).get_all_operations()
}
few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(organization, project, make_step, make_build, owner):
    """What the addresses name: everything is there."""
    step = make_step(make_build(status="passed"))
    artifact = Artifact.objects.create(job=step.job, path="a", size=1, sha256="0" * 64, storage_name="gone")
    environment = Environment.objects.create(project=project, name="staging")
    release = Release.objects.create(project=project, build=step.job.build, number=1, commit="a" * 40)
    deployment = Deployment.objects.create(environment=environment, release=release)
    keep_pipelines(
        project,
        Kept(
            pipelines=(KeptPipeline(name="unit", commands="make"),),
            deployments=(KeptDeployment(name="kept", match=Match.EXACTLY, branch="main", commands="make deploy"),),
        ),
        who=owner,
    )
    now = timezone.now()
    freeze = Freeze.objects.create(
        organization=organization, starts_at=now, ends_at=now + timedelta(days=1), reason="Fair"
    )
    return {
        "environment_uuid": str(environment.uuid),
        "deployment_uuid": str(deployment.uuid),
        "organization_uuid": str(organization.uuid),
        "project_uuid": str(project.uuid),
        "build_uuid": str(step.job.build.uuid),
        "step_uuid": str(step.uuid),
        "artifact_uuid": str(artifact.uuid),
        "freeze_uuid": str(freeze.uuid),
        "number": release.number,
        "secret_name": "TOKEN",
        "api_token_id": 2**40,
        "runner_id": 2**40,
        "pipeline_id": 1,
    }


def promised(operation_id, status):
    """The JSON schema of an answer, or None where the document has none for this status."""
    answers = {str(code): answer for code, answer in OPERATIONS[operation_id].definition.raw["responses"].items()}
    answer = answers.get(str(status), {})
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    return schema and {**schema, "components": DOCUMENT["components"]}


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_any_request_gets_an_answer_that_was_promised(operation_id, api, world):
    @few
    @given(case=OPERATIONS[operation_id].as_strategy())
    def ask(case):
        case.path_parameters = {name: world[name] for name in case.path_parameters or {}}
        request = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        content_type = request.headers.get("Content-Type", "application/json")
        response = api.generic(request.method, request.path_url, body, content_type=content_type)
        assert response.status_code < 500
        if schema := promised(operation_id, response.status_code):
            jsonschema_rs.validator_for(schema).validate(response.json())
        else:
            assert response.status_code in {200, 204, 400, 401}, response.content

    ask()


def test_every_operation_is_described():
    for operation_id, operation in OPERATIONS.items():
        raw = operation.definition.raw
        assert raw["description"].endswith("."), operation_id
        assert raw["tags"], operation_id
