"""Tell live pages that a deployment changed: a hint to look again."""

from __future__ import annotations

from builds.logs import live
from deployments.models import Deployment


def announce(deployment_id: int) -> None:
    """Publish one deployment's state on the topics of its project and organisation."""
    place = ("environment__name", "environment__project__uuid", "environment__project__organization__uuid")
    deployment = Deployment.objects.filter(pk=deployment_id).values("uuid", "status", "release__number", *place).first()
    if deployment is None:
        return
    name, project, organization = (deployment[column] for column in place)
    event = {
        "type": "deployment",
        "uuid": str(deployment["uuid"]),
        "project": str(project),
        "environment": name,
        "release": deployment["release__number"],
        "status": deployment["status"],
    }
    live.publish_to((f"project:{project}", f"organization:{organization}"), event)
