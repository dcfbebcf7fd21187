"""The one table of what a token must be good for, by operation. One that is not here is closed to tokens with scopes."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.scopes import Scope as S

SCOPES: Mapping[str, S | None] = {
    "list_organizations": None,
    "show_token_used": None,
    "list_tokens": S.TOKEN_WRITE,
    "create_token": S.TOKEN_WRITE,
    "revoke_token": S.TOKEN_WRITE,
    "list_audit": S.ORGANIZATION_READ,
    # Projects
    "list_projects": S.PROJECT_READ,
    "show_project": S.PROJECT_READ,
    "create_project": S.PROJECT_WRITE,
    "update_project": S.PROJECT_WRITE,
    "reset_aes_key": S.PROJECT_WRITE,
    **dict.fromkeys(("list_test_pipelines", "show_test_pipeline"), S.PROJECT_READ),
    **dict.fromkeys(("create_test_pipeline", "update_test_pipeline", "delete_test_pipeline"), S.PROJECT_WRITE),
    **dict.fromkeys(("list_deploy_pipelines", "show_deploy_pipeline"), S.PROJECT_READ),
    **dict.fromkeys(("create_deploy_pipeline", "update_deploy_pipeline", "delete_deploy_pipeline"), S.PROJECT_WRITE),
    "show_insights": S.PROJECT_READ,
    # Secrets: names alone are read
    "list_secrets": S.PROJECT_READ,
    "list_environment_secrets": S.PROJECT_READ,
    **dict.fromkeys(("list_organization_secrets", "report_secrets"), S.SECRET_WRITE),
    **dict.fromkeys(("put_organization_secret", "delete_organization_secret"), S.SECRET_WRITE),
    **dict.fromkeys(("show_given_secrets", "list_givings"), S.PROJECT_READ),
    **dict.fromkeys(("put_secret", "delete_secret"), S.SECRET_WRITE),
    **dict.fromkeys(("put_environment_secret", "delete_environment_secret"), S.SECRET_WRITE),
    # Runners, and the switch that stops all new work
    "list_runners": S.RUNNER_READ,
    **dict.fromkeys(("pause_runner", "resume_runner", "drain_runner"), S.RUNNER_WRITE),
    **dict.fromkeys(("revoke_runner", "forget_runner", "create_join_token"), S.RUNNER_WRITE),
    "list_halts": S.BUILD_READ,
    **dict.fromkeys(("halt_organization", "resume_organization"), S.ORGANIZATION_WRITE),
    **dict.fromkeys(("halt_everything", "resume_everything"), S.RUNNER_WRITE),
    # Builds
    "list_jobs": S.BUILD_READ,
    **dict.fromkeys(("list_builds", "show_build", "show_record", "show_plan", "watch_build"), S.BUILD_READ),
    **dict.fromkeys(("list_steps", "list_pipelines", "list_services", "show_log"), S.BUILD_READ),
    **dict.fromkeys(("list_artifacts", "download_artifact", "show_tests"), S.BUILD_READ),
    **dict.fromkeys(("create_build", "restart_build", "stop_build", "approve_build"), S.BUILD_WRITE),
    # Deployments
    **dict.fromkeys(("list_environments", "list_deployments", "show_deployment"), S.DEPLOYMENT_READ),
    **dict.fromkeys(("list_releases", "show_release", "show_figures", "list_freezes"), S.DEPLOYMENT_READ),
    **dict.fromkeys(("deploy", "rollback", "stop_deployment", "pause_deployment"), S.DEPLOYMENT_WRITE),
    **dict.fromkeys(("let_deployment_go_on", "let_deployment_go_now"), S.DEPLOYMENT_WRITE),
    **dict.fromkeys(("approve_deployment", "reject_deployment", "settle_deployment"), S.DEPLOYMENT_WRITE),
    **dict.fromkeys(("check_deployment_again", "mark_release", "unmark_release"), S.DEPLOYMENT_WRITE),
    **dict.fromkeys(("make_freeze", "lift_freeze"), S.DEPLOYMENT_WRITE),
}

# What a token of one organisation may ask for beside what lies below it.
WITHOUT_ORGANIZATION = frozenset(
    {"list_organizations", "show_token_used", "list_tokens", "create_token", "revoke_token"}
)
