"""From a change of state to messages: what the receivers call, and the clock again."""

from __future__ import annotations

from builds.models import BuildMove
from deployments.models import DeploymentMove, HealthMove
from notifications.models import Message
from notifications.services.notify import notify, rules_for
from notifications.services.of_build import NEWS, of_build
from notifications.services.of_deployment import NEWS_OF_DEPLOYMENTS, of_deployment
from notifications.services.of_health import of_health


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
    if to not in NEWS_OF_DEPLOYMENTS:
        return []
    places = ("environment__project", "release__build__project", "requested_by", "previous")
    moves = DeploymentMove.objects.select_related("deployment", *(f"deployment__{place}" for place in places))
    move = moves.filter(deployment=deployment_id, went_to=to).order_by("-pk").first()
    happening = of_deployment(move) if move else None
    return notify(happening, rules_for(happening.project, happening.events)) if happening else []


def tell_of_health(move_id: int, _: str = "") -> list[Message]:
    """The messages that an environment's becoming good or bad calls for; twice makes them once."""
    moves = HealthMove.objects.select_related("environment__project", "release__build__project")
    move = moves.filter(pk=move_id).first()
    happening = of_health(move) if move else None
    return notify(happening, rules_for(happening.project, happening.events)) if happening else []
