"""From a change of state to messages: what the receivers call, and the clock again."""

from __future__ import annotations

from builds.models import BuildMove, Project
from deployments.models import DeploymentMove, HealthMove
from notifications.models import Event, Message
from notifications.services.notify import notify, rules_for
from notifications.services.of_budget import of_budget
from notifications.services.of_build import NEWS, of_build
from notifications.services.of_deployment import NEWS_OF_DEPLOYMENTS, of_deployment
from notifications.services.of_health import of_health
from notifications.services.of_hosting import of_hosting
from notifications.services.people import who_asked


def tell_of_build(build_id: int, to: str) -> list[Message]:
    """The messages that a build's move to `to` calls for; twice makes them once."""
    moves = BuildMove.objects.select_related("build__project").defer("build__plan")
    move = moves.filter(build=build_id, went_to=to).order_by("-pk").first() if to in NEWS else None
    return tell_of_move(move) if move else []


def tell_of_move(move: BuildMove) -> list[Message]:
    """As `tell_of_build`, of a move that is at hand with its build and project."""
    # Nearly every move is nothing that anybody asked to hear of: that is seen first.
    project, build = move.build.project, move.build
    events = NEWS.get(move.went_to, frozenset())
    rules = rules_for(project, events) if events else []
    if not rules and not (events and who_asked(project, set(events))):
        return []
    happenings = [of_build(build, to=move.went_to, who=move.who, at=move.at)]
    if Event.BUDGET in events:
        happenings.append(of_budget(build, at=move.at))
    return [message for each in happenings if each is not None for message in notify(each, rules)]


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


def tell_of_hosting(project_id: int, _: str = "") -> list[Message]:
    """The messages that trouble with a project's git host calls for: once, and again every week that it lasts."""
    project = Project.objects.filter(pk=project_id).exclude(hosting_problem="").first()
    happening = of_hosting(project) if project else None
    return notify(happening, rules_for(happening.project, happening.events)) if happening else []
