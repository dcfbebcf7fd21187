"""What a git host told, as values of ours: nobody behind the webhook door sees a payload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, kw_only=True)
class Push:
    """A ref that moved, and what is known of the commit it points at now."""

    ref: str
    before: str  # zeros = the ref is new; "" = the sender did not say
    after: str  # zeros = the ref was deleted
    commit: str  # the commit itself where `after` is an annotated tag; else the same
    message: str = ""
    author_name: str = ""
    author_email: str = ""
    author_username: str = ""


class Step(Enum):
    """What became of a pull request."""

    ASKS = "asks"  # opened, opened again, ready, or its branch moved: its head may want a build
    CLOSES = "closes"  # merged or given up
    STAYS = "stays"  # a label, a title, a reviewer


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a pull request's commits come from. Who sent or approved an event says nothing of it."""

    branch: str
    commit: str  # Bitbucket Cloud tells no more than the first 12 digits
    is_fork: bool  # its repository is not the one that it asks to be merged into, or is gone
    owner: str = ""  # whose repository it is, for people
    ref: str = ""  # where the project's own repository has the commits; "" = it has not
    url: str = ""  # where the fork itself is, for hosts that keep the commits nowhere else
    out_of_reach: str = ""  # why they cannot be had, as a sentence


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What was told of a pull or merge request."""

    number: int
    step: Step
    head: Head
    title: str = ""
    url: str = ""
    author: str = ""  # who opened it
    told_at: datetime | None = None  # the host's own time of this


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """An event for which nothing is built, and why."""

    reason: str


News = Push | Proposal | Nothing


@dataclass(frozen=True, kw_only=True)
class Told:
    """One delivery, read: in the host's words what kind of event, of which repository, and what happened."""

    event: str
    news: tuple[News, ...]
    repository_id: str = ""  # the host's own; "" = it did not say
    repository_name: str = ""  # owner/name, as the host has it now
    clone_urls: tuple[str, ...] = ()  # where it may be fetched from now

    def __post_init__(self) -> None:
        if not self.news:
            object.__setattr__(self, "news", (Nothing(reason="It tells of nothing."),))
