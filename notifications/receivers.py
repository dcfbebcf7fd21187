"""What follows from news of this app and earlier ones, one line each."""

from __future__ import annotations

from importlib import import_module

from django.dispatch import receiver

from accounts.sign_in.letters import Letter
from accounts.signals import letter_written
from builds.models import BuildMove, Project
from builds.signals import build_moved, project_created, project_moved
from deployments.signals import deployment_moved, health_moved
from notifications.services.carry_letter import put_letter
from notifications.services.default_rules import make_default_rules
from notifications.services.rules import stop_telling_teams
from notifications.services.tell import tell_of_deployment, tell_of_health, tell_of_move

# Registers who delivers messages.
import_module("notifications.services.deliver")


@receiver(letter_written)
def people_get_their_letters(letter: Letter, **_: object) -> None:
    """Confirm your address, choose a new password."""
    put_letter(letter)


@receiver(project_created)
def a_project_begins_with_rules(project_id: int, **_: object) -> None:
    """CodeShip's defaults."""
    make_default_rules(project_id)


@receiver(project_moved)
def teams_of_before_hear_no_more(project: Project, **_: object) -> None:
    """Another organisation took the project."""
    stop_telling_teams(project)


@receiver(build_moved)
def people_hear_of_builds(move: BuildMove, **_: object) -> None:
    """Started, passed, failed, recovered."""
    tell_of_move(move)


@receiver(deployment_moved)
def people_hear_of_deployments(deployment_id: int, to: str, **_: object) -> None:
    """Live, failed, unknown, rolled back, held, or in need of an approval."""
    tell_of_deployment(deployment_id, to)


@receiver(health_moved)
def people_hear_of_health(move_id: int, **_: object) -> None:
    """Unhealthy, and healthy again."""
    tell_of_health(move_id)
