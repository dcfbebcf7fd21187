"""What happened, as far as rules and messages ask: plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from builds.models import Build, Project
from notifications.models import Event


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a message says. One-line texts are clean; `details` has a fact a line."""

    subject: str
    sentence: str
    details: str
    link: str
    excerpt: str = ""


@dataclass(frozen=True, kw_only=True)
class Happening:
    """News of a project. A rule takes the first of `events` that it listens to, so that one thing is told once."""

    project: Project
    branch: str
    about: UUID
    events: tuple[Event, ...]
    at: datetime
    committer: str  # an address, as a stranger wrote it
    username: str = ""  # the committer's at the git host, as that said
    build: Build | None = None
    words: Callable[[Event], Words]
    approvers: Callable[[], list[str]] = list  # the addresses of who is asked to agree
