"""Tell live pages that a deployment changed: a hint to look again."""

from __future__ import annotations

from builds.logs import live
from deployments.models import Deployment


def announce(deployment_id: int) -> None:
    """Publish one deployment's state on the topics of its project and organisation."""
    rows = Deployment.objects.select_related("environment__project__organization", "release")
    deployment = rows.filter(pk=deployment_id).first()
    if deployment is None:
        return
    project = deployment.environment.project
    event = {
        "type": "deployment",
        "uuid": str(deployment.uuid),
        "project": str(project.uuid),
        "environment": deployment.environment.name,
        "release": deployment.release.number,
        "status": deployment.status,
    }
    for topic in (f"project:{project.uuid}", f"organization:{project.organization.uuid}"):
        live.publish(topic, event)
