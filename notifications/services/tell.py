"""From a change of state to messages: what the receivers call, and the clock again."""

from __future__ import annotations

from builds.models import BuildMove
from deployments.models import Deployment
from notifications.models import Message
from notifications.services.notify import notify
from notifications.services.of_build import NEWS, of_build
from notifications.services.of_deployment import EVENTS, of_deployment


def tell_of_build(build_id: int, to: str) -> list[Message]:
    """The messages that a build's move to `to` calls for; twice makes them once."""
    if to not in NEWS:
        return []
    moves = BuildMove.objects.select_related("build__project").defer("build__plan")
    move = moves.filter(build=build_id, went_to=to).order_by("-pk").first()
    if move is None:
        return []
    happening = of_build(move.build, to=to, who=move.who, at=move.at)
    return notify(happening) if happening else []


def tell_of_deployment(deployment_id: int, to: str) -> list[Message]:
    """The messages that a deployment's move to `to` calls for; twice makes them once."""
    if to not in EVENTS:
        return []
    rows = Deployment.objects.select_related(
        "environment__project", "release__build__project", "requested_by", "previous"
    )
    deployment = rows.filter(pk=deployment_id).first()
    move = deployment.moves.filter(went_to=to).order_by("-pk").first() if deployment else None
    if deployment is None or move is None:
        return []
    happening = of_deployment(deployment, to=to, at=move.at)
    return notify(happening) if happening else []
