"""People of an organisation, and what leaves it: invitations, the last owner, transfers, deletions, exports."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import AuditEntry, Invitation, Membership, Organization, Role
from accounts.services.invitations import OtherAddressError, accept, open_invitation
from accounts.services.invite import invite, withdraw
from accounts.services.members import change_role, remove_member
from accounts.services.roles import RefusedError
from accounts.services.teams import add_to_team, change_team, create_team
from builds.access import readable_builds, readable_projects
from builds.models import Artifact, Export, Job, Project, Secret
from builds.services.clear_away import clear_away
from builds.services.delete_project import delete_organization, delete_project
from builds.services.export import ask_for_export, make_exports
from builds.services.team_projects import OpensError, set_projects
from builds.services.transfer import ask, take


def of(user, organization):
    return Membership.objects.get(user=user, organization=organization)


def raw(link):
    return link.rsplit("/", 1)[1]


class TestInvitation:
    def test_lets_its_address_in_once_and_is_kept_as_a_digest(self, organization, owner, make_user):
        invitation, link = invite(organization, "Ada@Example.com", role=Role.MANAGER, by=owner)
        assert raw(link) not in str(Invitation.objects.values().get())
        ada = make_user("ada@example.com")
        assert accept(open_invitation(raw(link)), ada).role == Role.MANAGER
        assert open_invitation(raw(link)) is None
        with pytest.raises(RefusedError):
            accept(invitation, ada)

    def test_another_address_is_asked_first(self, organization, owner, make_user):
        invitation, _ = invite(organization, "ada@example.com", role=Role.CONTRIBUTOR, by=owner)
        bob = make_user("bob@example.com")
        with pytest.raises(OtherAddressError):
            accept(invitation, bob)
        assert accept(invitation, bob, as_another=True).role == Role.CONTRIBUTOR

    def test_a_withdrawn_or_old_one_opens_nothing(self, organization, owner):
        invitation, link = invite(organization, "ada@example.com", role=Role.CONTRIBUTOR, by=owner)
        withdraw(invitation, by=owner)
        _, later = invite(organization, "ada@example.com", role=Role.CONTRIBUTOR, by=owner)
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert open_invitation(raw(link)) is None
        assert open_invitation(raw(later)) is None

    def test_nobody_invites_above_themselves(self, organization, owner, make_user):
        manager = make_user("manager@example.com", organization, Role.MANAGER)
        with pytest.raises(RefusedError):
            invite(organization, "ada@example.com", role=Role.OWNER, by=manager)
        assert not Invitation.objects.exists()


class TestMembers:
    def test_the_last_owner_stays_one(self, organization, owner):
        with pytest.raises(RefusedError):
            change_role(of(owner, organization), Role.MANAGER, by=owner)
        with pytest.raises(RefusedError):
            remove_member(of(owner, organization), by=owner)

    def test_a_manager_reaches_no_owner_and_raises_nobody_to_one(self, organization, owner, make_user):
        manager = make_user("manager@example.com", organization, Role.MANAGER)
        for target, role in ((owner, Role.CONTRIBUTOR), (manager, Role.OWNER)):
            with pytest.raises(RefusedError):
                change_role(of(target, organization), role, by=manager)
        assert not AuditEntry.objects.filter(action="member.role_changed").exists()

    def test_a_project_manager_raises_himself_through_no_team(self, organization, owner, make_user):
        person = make_user("pm@example.com", organization, Role.PROJECT_MANAGER)
        team = create_team(organization, "Backend", role=Role.MANAGER, by=owner)
        with pytest.raises(RefusedError):
            add_to_team(team, person, by=person)
        mine = create_team(organization, "Mine", role=Role.CONTRIBUTOR, by=owner)
        add_to_team(mine, person, by=owner)
        with pytest.raises(RefusedError):
            change_team(mine, name="Mine", role=Role.MANAGER, by=person)


class TestTeams:
    def test_a_project_of_a_team_is_hidden_from_the_others(self, organization, owner, member, project, make_build):
        team = create_team(organization, "Backend", role=Role.CONTRIBUTOR, by=owner)
        make_build()
        set_projects(team, [project], by=owner)
        assert not readable_projects(member).exists()
        assert not readable_builds(member).exists()
        assert readable_builds(owner).exists()
        add_to_team(team, member, by=owner)
        assert readable_projects(member).get() == project

    def test_nothing_opens_to_everybody_unasked(self, organization, owner, project):
        team = create_team(organization, "Backend", role=Role.CONTRIBUTOR, by=owner)
        set_projects(team, [project], by=owner)
        with pytest.raises(OpensError):
            set_projects(team, [], by=owner)
        set_projects(team, [], by=owner, opening=True)
        assert not project.teams.exists()


class TestTransfer:
    def test_the_target_takes_it_and_teams_stay(self, organization, owner, stranger, project, make_build):
        job = Job.objects.create(build=make_build(), organization=organization, name="test", spec={})
        project.teams.add(create_team(organization, "Backend", role=Role.CONTRIBUTOR, by=owner))
        target = Organization.objects.get(slug="other")
        asked = ask(project, target, by=owner)
        with pytest.raises(RefusedError):
            take(asked, by=owner)  # who is no member there
        take(asked, by=stranger)
        assert readable_projects(stranger).get() == project
        assert not readable_projects(owner).exists()
        assert Job.objects.get(pk=job.pk).organization == target
        assert not project.teams.exists()

    def test_nobody_takes_what_is_not_asked_any_more(self, owner, stranger, project):
        asked = ask(project, Organization.objects.get(slug="other"), by=owner)
        asked.delete()
        with pytest.raises(RefusedError):
            take(asked, by=stranger)


class TestDeletion:
    def test_a_project_is_gone_at_once_and_its_files_soon(self, organization, owner, project, make_build):
        job = Job.objects.create(build=make_build(status="passed"), organization=organization, name="t", spec={})
        job.status = "passed"
        job.save()
        name = default_storage.save("artifacts/gone.xml", ContentFile(b"<ok/>"))
        Artifact.objects.create(job=job, path="gone.xml", size=5, sha256="0" * 64, storage_name=name)
        secret = Secret.objects.create(organization=organization, name="TOKEN", value="for one project")
        secret.projects.add(project)
        assert delete_project(project, by=owner)
        assert not readable_projects(owner).exists()
        assert not Secret.objects.exists()  # without its project it would be one for all
        clear_away()
        assert not Project.every.exists()
        assert not default_storage.exists(name)

    def test_an_organisation_goes_with_everything_but_the_entry(self, organization, owner, project):
        delete_organization(organization, by=owner)
        assert not Membership.objects.exists()
        clear_away()
        clear_away()
        assert not Organization.objects.exists()
        assert AuditEntry.objects.get().action == "organization.deleted"


def test_an_export_tells_everything_but_secrets(organization, owner, project, make_build):
    make_build(message="Fix tax rounding")
    project.secrets.create(name="TOKEN", value="never to be told")
    ask_for_export(organization, by=owner)
    assert make_exports() == 1
    export = Export.objects.get()
    with default_storage.open(export.storage_name) as file, zipfile.ZipFile(file) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(texts["members.json"])[0]["user__email"] == owner.email
    assert json.loads(texts["builds.json"])[0]["message"] == "Fix tax rounding"
    assert json.loads(texts["secrets.json"])[0]["name"] == "TOKEN"
    assert json.loads(texts["environments.json"]) == []
    told = "".join(texts.values())
    for secret in ("never to be told", project.hook_secret, owner.password):
        assert secret not in told
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    make_exports()
    assert not default_storage.exists(export.storage_name)
