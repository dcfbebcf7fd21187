"""A project that goes takes along, and leaves behind, nothing that tells or gives more than before."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Organization, Role
from builds.models import Project, Secret
from builds.services.delete_project import delete_project
from builds.services.secrets import Place, limit_to, put_secret
from builds.services.transfer import ask, take
from notifications.models import Channel, Event, Rule

pytestmark = pytest.mark.django_db


def test_a_secret_of_some_projects_never_becomes_one_of_all(organization, project, owner):
    other = Project.objects.create(organization=organization, name="web", repository_url="https://git.example.com/web")
    place = Place(organization)
    for name, projects in {"BOTH": [project, other], "ONE": [project], "ALL": []}.items():
        put_secret(place, name, "kept value", who=owner)
        limit_to(place, name, projects, who=owner)
    delete_project(project, by=owner)
    assert set(Secret.objects.values_list("name", flat=True)) == {"BOTH", "ALL"}
    delete_project(other, by=owner)  # before a worker has cleared the first one away
    assert set(Secret.objects.values_list("name", flat=True)) == {"ALL"}


def test_rules_for_teams_of_the_organisation_before_are_off_and_the_log_says_so(
    organization, project, owner, make_user
):
    target = Organization.objects.create(name="Target", slug="target")
    taker = make_user("taker@example.com", target, Role.OWNER)
    team = organization.teams.create(name="Backend")
    values = {"project": project, "events": [Event.FAILED], "channel": Channel.EMAIL}
    of_team = Rule.objects.create(**values, target=f"team:{team.uuid}")
    of_committer = Rule.objects.create(**values, target="committer")
    take(ask(project, target, by=owner), by=taker)
    of_team.refresh_from_db()
    of_committer.refresh_from_db()
    assert (of_team.enabled, of_committer.enabled) == (False, True)
    assert AuditEntry.objects.filter(organization=target, action="rule.disabled").count() == 1
