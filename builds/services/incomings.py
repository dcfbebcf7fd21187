"""From what a git host told to what it asks of a project."""

from __future__ import annotations

from builds.models import Project
from builds.services import proposals, pushes
from builds.services.receive import Incoming
from builds.services.told import News, Proposal, Push, Told


def incomings_of(told: Told, project: Project) -> tuple[Incoming, ...]:
    """A build, or why there is none, for each thing that was told."""
    return tuple(_incoming_of(news, told.event, project) for news in told.news)


def stranger(told: Told, project: Project) -> str:
    """Why the delivery is not of the project's repository, as a sentence; "" = it is, or nobody knows."""
    if not told.repository_id or not project.repository_id or _same(told.repository_id, project.repository_id):
        return ""
    name = told.repository_name[:100] or "it"
    return (
        f"This is the hook of another repository: {name} has the id {told.repository_id[:60]}, the project's"
        f" {project.repository_name[:100] or 'repository'} has {project.repository_id}."
    )


def is_renamed(told: Told, project: Project) -> bool:
    """Whether the project's repository, known by its id, is called otherwise now."""
    if not (told.repository_id and project.repository_id and told.repository_name and project.repository_name):
        return False
    return told.repository_name != project.repository_name


def _same(one: str, other: str) -> bool:
    # Bitbucket's ids stand in braces, and are written without them, too.
    return one.strip("{}").lower() == other.strip("{}").lower()


def _incoming_of(news: News, event: str, project: Project) -> Incoming:
    if isinstance(news, Push):
        return pushes.incoming_of(news, project)
    if isinstance(news, Proposal):
        return proposals.incoming_of(news, project, event=event)
    return Incoming(event=event, reason=news.reason)
