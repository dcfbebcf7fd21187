"""Web addresses of this app."""

from django.urls import URLPattern, URLResolver, path

from deployments.views import by_hand, deployment, environments

_PROJECT = "projects/<uuid:uuid>/"
_ENVIRONMENT = f"{_PROJECT}environments/<uuid:environment_uuid>"
_DEPLOYMENT = f"{_PROJECT}deployments/<uuid:deployment_uuid>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_PROJECT}environments/", environments.environments, name="environments"),
    path(f"{_ENVIRONMENT}/deploy", by_hand.deploy, name="environment_deploy"),
    path(f"{_ENVIRONMENT}/rollback", by_hand.roll_back, name="environment_rollback"),
    path(f"{_DEPLOYMENT}/", deployment.deployment, name="deployment"),
    path(f"{_DEPLOYMENT}/stop", deployment.stop, name="deployment_stop"),
    path(f"{_DEPLOYMENT}/settle", deployment.settle, name="deployment_settle"),
]
