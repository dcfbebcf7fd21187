"""Every address of the service, and who may use it how. A route that is not in the table fails the sweep."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from django.urls import URLPattern, URLResolver, get_resolver


class Who(StrEnum):
    """Who a method of a route is for."""

    ANYBODY = "anybody"
    ENTERING = "anybody, but it leads nowhere without a log-in under way"
    PERSON = "anybody who is logged in"
    OWNER = "the one person whose it is"
    ABSENT = "who has a second factor, and nobody of the cast has"
    MEMBER = "every member of the organisation"
    MANAGER = "members who manage projects"
    APPROVER = "members who manage the organisation"


A, E, P, M, R = Who.ANYBODY, Who.ENTERING, Who.PERSON, Who.MEMBER, Who.MANAGER
HOSTS = ["github", "gitlab", "bitbucket_oauth2"]

PAGES: dict[str, dict[str, Who]] = {
    "healthz": {"GET": A},
    "readyz": {"GET": A},
    "metrics": {"GET": A},
    "oidc_configuration": {"GET": A},
    "oidc_keys": {"GET": A},
    "badge": {"GET": A},
    "codeship_badge": {"GET": A},
    "post_receive": {"GET": A},
    "login": {"GET": A, "POST": A},
    "logout": {"POST": P},
    "account_login": {"GET": A, "POST": A},
    "account_inactive": {"GET": A},
    "account_signup": {"GET": A, "POST": A},
    "account_email_verification_sent": {"GET": A},
    "account_confirm_email": {"GET": A, "POST": E},
    "account_reset_password": {"GET": A, "POST": A},
    "account_reset_password_done": {"GET": A},
    "account_reset_password_from_key": {"GET": A, "POST": A},
    "account_reset_password_from_key_done": {"GET": A},
    "mfa_authenticate": {"GET": E, "POST": E},
    "socialaccount_signup": {"GET": E, "POST": E},
    "socialaccount_login_cancelled": {"GET": A},
    "socialaccount_login_error": {"GET": E},
    **{f"{host}_login": {"GET": E, "POST": E} for host in HOSTS},  # where none is set up, nothing is there
    **{f"{host}_callback": {"GET": E} for host in HOSTS},
    "account": {"GET": P},
    "account_mail": {"POST": P},
    "account_email": {"GET": P, "POST": P},
    "account_reauthenticate": {"GET": P, "POST": P},
    "mfa_reauthenticate": {"GET": P, "POST": P},
    "mfa_index": {"GET": P},
    "mfa_activate_totp": {"GET": P, "POST": P},
    "mfa_deactivate_totp": {"GET": Who.ABSENT, "POST": Who.ABSENT},
    "mfa_view_recovery_codes": {"GET": Who.ABSENT},
    "mfa_generate_recovery_codes": {"GET": P, "POST": P},
    "session_end": {"POST": Who.OWNER},
    "sessions_end": {"POST": P},
    "connection_remove": {"POST": Who.OWNER},
    "account_name": {"POST": P},
    "account_password": {"POST": P},
    "token_create": {"POST": P},
    "token_revoke": {"POST": Who.OWNER},
    "projects": {"GET": P},
    "projects_events": {"GET": P},
    "running": {"GET": P},
    "search": {"GET": P},
    "project_create": {"GET": P, "POST": P},
    "project": {"GET": M},
    "project_events": {"GET": M},
    "build_new": {"POST": M},
    "project_setup": {"GET": M},
    "setup_again": {"POST": R},
    "statuses_change": {"POST": R},
    "repository_disconnect": {"POST": R},
    "repository_connect": {"GET": R, "POST": R},
    "repositories": {"GET": R, "POST": R},
    "git_hosts": {"GET": Who.APPROVER, "POST": Who.APPROVER},
    "git_host": {"GET": Who.APPROVER, "POST": Who.APPROVER},
    "git_host_check": {"POST": Who.APPROVER},
    "git_host_remove": {"POST": Who.APPROVER},
    "project_settings": {"GET": M, "POST": R},
    "project_pipelines": {"GET": M, "POST": R},
    "project_pipelines_preview": {"POST": R},
    "project_pipelines_export": {"GET": M},
    "hook_secret_renew": {"POST": R},
    "secret_put": {"POST": R},
    "secret_delete": {"POST": R},
    "secrets_given": {"GET": M},
    "organization_secrets": {"GET": Who.APPROVER, "POST": Who.APPROVER},
    "organization_secret_delete": {"POST": Who.APPROVER},
    "key_put": {"POST": R},
    "key_renew": {"POST": R},
    "key_download": {"POST": R},
    "build": {"GET": M},
    "build_approve": {"POST": Who.APPROVER},
    "build_cancel": {"POST": R},
    "build_retry": {"POST": M},
    "build_again": {"GET": M},
    "build_replay": {"POST": M},
    "build_events": {"GET": M},
    "artifact": {"GET": M},
    "step_lines": {"GET": M},
    "step_search": {"GET": M},
    "step_raw": {"GET": M},
    "environments": {"GET": M},
    "environment_deploy": {"GET": R, "POST": R},
    "environment_rollback": {"GET": R, "POST": R},
    "environment_secrets": {"GET": M, "POST": R},
    "environment_secret_delete": {"POST": R},
    "deployment": {"GET": M},
    "deployment_stop": {"POST": R},
    "deployment_settle": {"POST": R},
    "deployment_pause": {"POST": R},
    "deployment_go_on": {"POST": R},
    "deployment_decide": {"POST": M},  # the environment's own rule says who
    "deployment_override": {"POST": Who.APPROVER},
    "release": {"GET": M},
    "release_mark": {"POST": R},
    "release_unmark": {"POST": R},
    "figures": {"GET": M},
    "freezes": {"GET": M, "POST": R},
    "freeze_lift": {"POST": R},
    "notifications": {"GET": M, "POST": R},
    "rule_edit": {"GET": R, "POST": R},
    "rule_toggle": {"POST": R},
    "rule_remove": {"POST": R},
    "rule_test": {"POST": R},
    "hook": {"POST": A},
}

# Below /v2: people are known by their token alone.
API: dict[str, dict[str, Who]] = {
    "openapi-json": {"GET": A},
    "log_in": {"POST": A},
    "api-root": {},
    "api_no_such_route": {},
    "list_organizations": {"GET": P},
    "show_token_used": {"GET": P},
    "list_tokens": {"GET": P},
    "create_token": {"POST": P},
    "revoke": {"DELETE": Who.OWNER},
    "v1_projects": {"GET": P},
    "v1_project": {"GET": M},
    "v1_restart": {"POST": M},
    "list_projects": {"GET": M},
    "make_project": {"POST": R},
    "show_project": {"GET": M},
    "update_project": {"PUT": R},
    "reset_aes_key": {"POST": R},
    "list_test_pipelines": {"GET": M},
    "create_test_pipeline": {"POST": R},
    "show_test_pipeline": {"GET": M},
    "update_test_pipeline": {"PUT": R},
    "delete_test_pipeline": {"DELETE": R},
    "list_deploy_pipelines": {"GET": M},
    "create_deploy_pipeline": {"POST": R},
    "show_deploy_pipeline": {"GET": M},
    "update_deploy_pipeline": {"PUT": R},
    "delete_deploy_pipeline": {"DELETE": R},
    "show_insights": {"GET": M},
    "list_pipelines": {"GET": M},
    "list_services": {"GET": M},
    "list_builds": {"GET": M},
    "create_build": {"POST": M},
    "show_build": {"GET": M},
    "restart_build": {"POST": M},
    "show_record": {"GET": M},
    "stop_build": {"POST": R},
    "approve_build": {"POST": Who.APPROVER},
    "list_steps": {"GET": M},
    "list_artifacts": {"GET": M},
    "show_tests": {"GET": M},
    "show_plan": {"GET": M},
    "download_artifact": {"GET": M},
    "show_log": {"GET": M},
    "watch_build": {"GET": M},
    "list_secrets": {"GET": M},
    "put_project_secret": {"PUT": R},
    "delete_project_secret": {"DELETE": R},
    "list_organization_secrets": {"GET": Who.APPROVER},
    "put_organization_secret": {"PUT": Who.APPROVER},
    "delete_organization_secret": {"DELETE": Who.APPROVER},
    "report_secrets": {"GET": Who.APPROVER},
    "show_given_secrets": {"GET": M},
    "list_givings": {"GET": M},
    "list_environments": {"GET": M},
    "list_environment_secrets": {"GET": M},
    "put_environment_secret": {"PUT": R},
    "delete_environment_secret": {"DELETE": R},
    "deploy": {"POST": R},
    "roll_back": {"POST": R},
    "list_deployments": {"GET": M},
    "show_deployment": {"GET": M},
    "stop_deployment": {"POST": R},
    "pause_deployment": {"POST": R},
    "let_deployment_go_on": {"POST": R},
    "approve_deployment": {"POST": M},  # the environment's own rule says who
    "reject_deployment": {"POST": M},
    "let_deployment_go_now": {"POST": Who.APPROVER},
    "settle_deployment": {"POST": R},
    "check_deployment_again": {"POST": R},
    "list_releases": {"GET": M},
    "show_release": {"GET": M},
    "mark_release": {"POST": R},
    "unmark_release": {"POST": R},
    "show_figures": {"GET": M},
    "list_freezes": {"GET": M},
    "make_freeze": {"POST": Who.APPROVER},
    "lift_freeze": {"DELETE": R},
}


def patterns() -> Iterator[tuple[str, URLPattern]]:
    """Every route of the service with its full text."""

    def walk(found: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in found:
            if isinstance(pattern, URLPattern):
                yield before + str(pattern.pattern), pattern
            else:
                yield from walk(pattern.url_patterns, before + str(pattern.pattern))

    return walk(get_resolver().url_patterns, "")
