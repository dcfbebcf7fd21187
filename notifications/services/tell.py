"""From a change of state to messages: what the receivers call, and the clock again."""

from __future__ import annotations

from builds.models import BuildMove
from deployments.models import Deployment
from notifications.models import Message
from notifications.services.notify import notify, rules_for
from notifications.services.of_build import NEWS, of_build
from notifications.services.of_deployment import EVENTS, of_deployment


def tell_of_build(build_id: int, to: str) -> list[Message]:
    """The messages that a build's move to `to` calls for; twice makes them once."""
    moves = BuildMove.objects.select_related("build__project").defer("build__plan")
    move = moves.filter(build=build_id, went_to=to).order_by("-pk").first() if to in NEWS else None
    return tell_of_move(move) if move else []


def tell_of_move(move: BuildMove) -> list[Message]:
    """As `tell_of_build`, of a move that is at hand with its build and project."""
    # Nearly every move is nothing that anybody asked to hear of: that is seen first.
    rules = rules_for(move.build.project, NEWS.get(move.went_to, frozenset()))
    happening = of_build(move.build, to=move.went_to, who=move.who, at=move.at) if rules else None
    return notify(happening, rules) if happening else []


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
    return notify(happening, rules_for(happening.project, happening.events)) if happening else []
