"""Web addresses of organisations: members, teams, settings, the audit log; and of projects on their way out."""

from django.urls import URLPattern, path

from accounts import joining
from builds.views import audit, deletion, exports, members, organization, teams, transfers

_ORGANIZATION = "organizations/<uuid:organization_uuid>"
_INVITATION = f"{_ORGANIZATION}/invitations/<uuid:invitation_uuid>"
_TEAM = f"{_ORGANIZATION}/teams/<uuid:team_uuid>"
_TRANSFERS = f"{_ORGANIZATION}/transfers"
_PROJECT = "projects/<uuid:uuid>"

urlpatterns: list[URLPattern] = [
    path("invitations/<str:raw_token>", joining.invitation, name="invitation"),
    path("organizations/new", organization.create, name="organization_create"),
    path(f"{_ORGANIZATION}/settings", organization.settings, name="organization_settings"),
    path(f"{_ORGANIZATION}/retention", organization.retention, name="organization_retention"),
    path(f"{_ORGANIZATION}/delete", deletion.organization, name="organization_delete"),
    path(f"{_ORGANIZATION}/audit", audit.audit, name="audit"),
    path(f"{_ORGANIZATION}/audit.csv", audit.download, name="audit_csv"),
    path(f"{_ORGANIZATION}/exports", exports.ask, name="export_ask"),
    path(f"{_ORGANIZATION}/exports/<uuid:export_uuid>", exports.download, name="export_download"),
    path(f"{_ORGANIZATION}/members", members.members, name="members"),
    path(f"{_ORGANIZATION}/members/<int:member_id>/role", members.set_role, name="member_role"),
    path(f"{_ORGANIZATION}/members/<int:member_id>/remove", members.remove, name="member_remove"),
    path(f"{_ORGANIZATION}/leave", members.leave, name="organization_leave"),
    path(f"{_ORGANIZATION}/invitations", members.send_invitation, name="invite"),
    path(f"{_INVITATION}/resend", members.resend_invitation, name="invitation_resend"),
    path(f"{_INVITATION}/withdraw", members.withdraw_invitation, name="invitation_withdraw"),
    path(f"{_ORGANIZATION}/teams", members.make_team, name="team_create"),
    path(_TEAM, teams.team, name="team"),
    path(f"{_TEAM}/add", teams.add, name="team_add"),
    path(f"{_TEAM}/take", teams.take, name="team_take"),
    path(f"{_TEAM}/projects", teams.projects, name="team_projects"),
    path(f"{_TEAM}/delete", teams.delete, name="team_delete"),
    path(f"{_TRANSFERS}/<uuid:transfer_uuid>/take", transfers.take, name="transfer_take"),
    path(f"{_TRANSFERS}/<uuid:transfer>/decline", transfers.decline, name="transfer_decline"),
    path(f"{_PROJECT}/settings/transfer", transfers.transfer, name="project_transfer"),
    path(f"{_PROJECT}/settings/transfer/withdraw", transfers.withdraw, name="transfer_withdraw"),
    path(f"{_PROJECT}/settings/delete", deletion.project, name="project_delete"),
]
