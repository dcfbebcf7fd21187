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

from accounts.models import Membership, Organization, Role, User
from accounts.services.invite import invite
from accounts.services.teams import create_team
from accounts.services.tokens import make_token
from builds.logs import live
from builds.models import (
    Artifact,
    Build,
    Connection,
    Export,
    Job,
    JoinToken,
    Project,
    ProjectTransfer,
    Runner,
    Secret,
    Step,
)
from builds.pipeline.basic import Kept, KeptDeployment, KeptPipeline, Match
from builds.services.keep_pipelines import keep_pipelines
from deployments.models import Deployment, Environment, Freeze, Release
from notifications.addresses import unsubscribe_url
from notifications.models import Browser, Channel, Event, Message, Rule
from notifications.services.caught import catcher_url
from tests.security.routes import API, PAGES, Who, patterns

KEPT = Kept(
    pipelines=(KeptPipeline(name="unit", commands="make"),),
    deployments=(KeptDeployment(name="kept", match=Match.EXACTLY, branch="main", commands="make deploy"),),
)
OF_PROJECT = re.compile(r"<(?:\w+:)?(?:project_id|build_id)>|freezes/<")
PLAN = {"source": "ciservice.yml", "pipelines": []}


@dataclass(frozen=True)
class Route:
    """One address with everything filled in, and who may use which method."""

    name: str
    url: str
    may: dict[str, Who]
    is_api: bool
    of_project: bool  # who does not see the project sees nothing there


@pytest.fixture
def world(organization, project: Project, make_build, make_user, owner) -> dict[str, object]:
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
    for its in ({"project": project}, {"organization": organization}, {"project": project, "environment": "staging"}):
        Secret.objects.create(**its, name="TOKEN", value="kept")
    rule = Rule.objects.create(project=project, events=[Event.values[0]], channel=Channel.values[0])
    message = Message.objects.create(
        rule=rule, project=project, event=rule.events[0], about=build.uuid, channel=rule.channel, state="dead"
    )
    shows = Browser.objects.create(user=owner, name="Firefox", endpoint="https://push.example.com/x", digest="x")
    team = create_team(organization, "Backend", role=Role.CONTRIBUTOR, by=owner)
    project.teams.add(team)  # what follows is tried by its members, and by a member of none
    member = Membership.objects.create(user=make_user("leaves@example.com"), organization=organization)
    invitation, link = invite(organization, "invited@example.com", role=Role.CONTRIBUTOR, by=owner)
    file = default_storage.save("exports/data.zip", ContentFile(b"PK"))
    export = Export.objects.create(organization=organization, storage_name=file, size=2)
    offered = [_offered(name, organization, make_user) for name in ("taken", "declined")]
    token, _ = make_token(owner, "of the owner")
    host = Connection.objects.create(organization=organization, provider="generic", url="https://git.example.com")
    runner = Runner.objects.create(name="build-1", executor="fake", version="1", started_at=now, seen_at=now)
    join_token = JoinToken.objects.create(digest="0" * 64, expires_at=now + timedelta(hours=1))
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
        "runner_id": runner.pk,
        "join_token_uuid": join_token.uuid,
        "rule_uuid": rule.uuid,
        "connection_uuid": host.uuid,
        "message_uuid": message.uuid,
        "browser_uuid": shows.uuid,
        "signed": unsubscribe_url("somebody@example.com", project.uuid).rpartition("/")[2],
        "catch_token": catcher_url().rpartition("/")[2],
        "team_uuid": team.uuid,
        "member_id": member.pk,
        "invitation_uuid": invitation.uuid,
        "raw_token": link.rsplit("/", 1)[1],
        "export_uuid": export.uuid,
        "transfer_uuid": offered[0].uuid,
        "transfer": offered[1].uuid,
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


def _offered(name: str, target: Organization, make_user) -> ProjectTransfer:
    """A project of another organisation that `target` may take."""
    giver = Organization.objects.create(name=name, slug=name)
    theirs = make_user(f"{name}@example.com", giver, Role.OWNER)
    given = Project.objects.create(organization=giver, name=f"{name}/api", repository_url="https://git.example.com/g")
    times = {"expires_at": timezone.now() + timedelta(days=1)}
    return ProjectTransfer.objects.create(project=given, target=target, asked_by=theirs, **times)


@pytest.fixture
def routes(world) -> list[Route]:
    """Every address there is."""
    by_url: dict[str, Route] = {}
    for text, pattern in patterns():
        text = text.replace("^(?P<rest>.*)$", "no/such/route")
        url = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(world[match[1]]), text)
        is_api = pattern.name in API
        is_of_project = str(world["project_uuid"]) in url or bool(OF_PROJECT.search(text))
        may = (API if is_api else PAGES).get(pattern.name or "", {})
        known = by_url.get(url)
        by_url[url] = Route(pattern.name or "", url, {**(known.may if known else {}), **may}, is_api, is_of_project)
    return list(by_url.values())


@pytest.fixture
def people(make_user, organization, stranger, owner) -> dict[str, object]:
    """Who tries: nobody, somebody of elsewhere, members with different roles in the project's team, and one in none."""
    people = {
        "administrator": User.objects.create_superuser("administrator@example.com", "correct horse battery"),
        "anonymous": None,
        "stranger": stranger,
        "contributor": make_user("contributor@example.com", organization, Role.CONTRIBUTOR),
        "manager": make_user("manager@example.com", organization, Role.PROJECT_MANAGER),
        "outsider": make_user("outsider@example.com", organization, Role.PROJECT_MANAGER),
        "owner": owner,
    }
    for team in organization.teams.all():
        team.members.add(people["contributor"], people["manager"])
    return people


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
