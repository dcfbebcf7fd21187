"""A world in which every address leads somewhere, and the people who try all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from accounts.services.tokens import make_token
from builds.logs import live
from builds.models import Artifact, Build, Connection, Job, Project, Step
from builds.pipeline.basic import Kept, KeptDeployment, KeptPipeline, Match
from builds.services.keep_pipelines import keep_pipelines
from deployments.models import Deployment, Environment, Freeze, Release
from notifications.models import Channel, Event, Rule
from tests.security.routes import API, PAGES, Who, patterns

KEPT = Kept(
    pipelines=(KeptPipeline(name="unit", commands="make"),),
    deployments=(KeptDeployment(name="kept", match=Match.EXACTLY, branch="main", commands="make deploy"),),
)
PLAN = {"source": "ciservice.yml", "pipelines": []}


@dataclass(frozen=True)
class Route:
    """One address with everything filled in, and who may use which method."""

    name: str
    url: str
    may: dict[str, Who]
    is_api: bool


@pytest.fixture
def world(organization, project: Project, make_build, owner) -> dict[str, object]:
    """What the parts of addresses stand for: everything belongs to the cast's organisation."""
    build: Build = make_build(status="passed", plan=PLAN)
    job = Job.objects.create(
        build=build,
        organization=organization,
        name="test",
        spec={"name": "test", "steps": []},
        attempt=1,
        status="passed",
    )
    step = Step.objects.create(job=job, attempt=1, path="0", position=0, name="unit", status="passed")
    name = default_storage.save("artifacts/report.xml", ContentFile(b"<ok/>"))
    artifact = Artifact.objects.create(job=job, path="report.xml", size=5, sha256="0" * 64, storage_name=name)
    environment = Environment.objects.create(project=project, name="staging")
    release = Release.objects.create(project=project, build=build, number=1, commit=build.commit)
    now = timezone.now()
    deployment = Deployment.objects.create(environment=environment, release=release, status="live", live_at=now)
    times = {"starts_at": now, "ends_at": now + timedelta(days=1)}
    freezes = [
        Freeze.objects.create(organization=organization, environment=environment, reason=reason, **times)
        for reason in ("lifted through the API", "lifted on the page")
    ]
    rule = Rule.objects.create(project=project, events=[Event.values[0]], channel=Channel.values[0])
    token, _ = make_token(owner, "of the owner")
    host = Connection.objects.create(organization=organization, provider="generic", url="https://git.example.com")
    api_token, _ = make_token(owner, "revoked through the API")
    keep_pipelines(project, KEPT, who=owner)
    session = UserSession.objects.create(user=owner, ip="192.0.2.7", session_key="of-the-owner", user_agent="curl/8")
    connection = SocialAccount.objects.create(user=owner, provider="github", uid="7", extra_data={"login": "ada"})
    return {
        "uuid": project.uuid,
        "project_uuid": project.uuid,
        "organization_uuid": organization.uuid,
        "number": build.number,
        "build_uuid": build.uuid,
        "step_uuid": step.uuid,
        "artifact_uuid": artifact.uuid,
        "environment_uuid": environment.uuid,
        "deployment_uuid": deployment.uuid,
        "freeze_uuid": freezes[0].uuid,
        "freeze": freezes[1].uuid,
        "rule_uuid": rule.uuid,
        "connection_uuid": host.uuid,
        "token_id": token.pk,
        "api_token_id": api_token.pk,
        "pipeline_id": 1,
        "project_id": project.pk,
        "build_id": build.pk,
        "session_id": session.pk,
        "connection_id": connection.pk,
        "uidb36": "1",
        "key": "no-such-key",
        "secret_name": "TOKEN",
        "provider": "generic",
    }


@pytest.fixture
def routes(world) -> list[Route]:
    """Every address there is."""
    by_url: dict[str, Route] = {}
    for text, pattern in patterns():
        text = text.replace("^(?P<rest>.*)$", "no/such/route")
        url = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(world[match[1]]), text)
        is_api = pattern.name in API
        may = (API if is_api else PAGES).get(pattern.name or "", {})
        known = by_url.get(url)
        by_url[url] = Route(pattern.name or "", url, {**(known.may if known else {}), **may}, is_api)
    return list(by_url.values())


@pytest.fixture
def people(make_user, organization, stranger, owner) -> dict[str, object]:
    """Who tries: nobody, somebody of elsewhere, and members with different roles."""
    return {
        "anonymous": None,
        "stranger": stranger,
        "contributor": make_user("contributor@example.com", organization, Role.CONTRIBUTOR),
        "manager": make_user("manager@example.com", organization, Role.PROJECT_MANAGER),
        "owner": owner,
    }


@pytest.fixture
def browser():
    """Makes a client that is logged in with a session and, for the API, sends a token."""

    def make(user, *, check_csrf=False) -> tuple[Client, Client]:
        page, api = Client(enforce_csrf_checks=check_csrf), Client()
        if user is not None:
            page.force_login(user)
            _, raw = make_token(user, "sweep")
            api.defaults["HTTP_AUTHORIZATION"] = f"Bearer {raw}"
        return page, api

    return make


@pytest.fixture(autouse=True)
def _no_open_connections():
    yield
    live.disconnect()
