"""Web addresses of this app."""

from django.urls import URLPattern, URLResolver, path

from deployments.views import actions, by_hand, deployment, environments, figures, freezes, release, secrets

_PROJECT = "projects/<uuid:uuid>/"
_ENVIRONMENT = f"{_PROJECT}environments/<uuid:environment_uuid>"
_DEPLOYMENT = f"{_PROJECT}deployments/<uuid:deployment_uuid>"
_RELEASE = f"{_PROJECT}releases/<int:number>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_PROJECT}environments/", environments.environments, name="environments"),
    path(f"{_PROJECT}figures/", figures.figures, name="figures"),
    path(f"{_ENVIRONMENT}/deploy", by_hand.deploy, name="environment_deploy"),
    path(f"{_ENVIRONMENT}/rollback", by_hand.roll_back, name="environment_rollback"),
    path(f"{_ENVIRONMENT}/secrets", secrets.secrets, name="environment_secrets"),
    path(f"{_ENVIRONMENT}/secrets/delete", secrets.delete, name="environment_secret_delete"),
    path(f"{_DEPLOYMENT}/", deployment.deployment, name="deployment"),
    path(f"{_DEPLOYMENT}/stop", actions.stop, name="deployment_stop"),
    path(f"{_DEPLOYMENT}/pause", actions.pause, name="deployment_pause"),
    path(f"{_DEPLOYMENT}/go-on", actions.go_on, name="deployment_go_on"),
    path(f"{_DEPLOYMENT}/settle", actions.settle, name="deployment_settle"),
    path(f"{_DEPLOYMENT}/decide", actions.decide, name="deployment_decide"),
    path(f"{_DEPLOYMENT}/override", actions.override, name="deployment_override"),
    path(f"{_PROJECT}freezes/", freezes.freezes, name="freezes"),
    path(f"{_PROJECT}freezes/<uuid:freeze>/lift", freezes.lift, name="freeze_lift"),
    path(f"{_RELEASE}/", release.release, name="release"),
    path(f"{_RELEASE}/irreversible", release.mark, name="release_mark"),
    path(f"{_RELEASE}/reversible", release.unmark, name="release_unmark"),
]
