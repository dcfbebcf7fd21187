"""The filter of a project's builds, as words: `branch:main failed mine`; each kind of word is served by an index."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from accounts.models import User
from builds.models import Build, Project
from builds.models.build import BuildQuerySet
from builds.states import Status

PAGE = 30
MOST_ROWS = 500
MESSAGES_LOOKED_AT = 5_000
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NUMBER = re.compile(r"#(\d{1,9})")


@dataclass
class Filter:
    """What was typed, understood."""

    branch: str = ""
    statuses: list[str] = field(default_factory=list)
    mine: bool = False
    number: int | None = None
    commit: str = ""
    words: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether every build is wanted."""
        return self == Filter()


def read_filter(text: str) -> Filter:
    """Understand `text`; what is no known word is looked for in messages. Never an error."""
    wanted = Filter()
    for word in text.replace("\0", "").split()[:12]:
        _take(wanted, word)
    return wanted


def _take(wanted: Filter, word: str) -> None:
    lower = word.lower()
    if lower.startswith("branch:") and len(word) > len("branch:"):
        wanted.branch = word[len("branch:") :][:255]
    elif lower in Status.values:
        wanted.statuses.append(lower)
    elif lower == "mine":
        wanted.mine = True
    elif number := _NUMBER.fullmatch(word):
        wanted.number = int(number[1])
    elif _COMMIT.fullmatch(lower):
        wanted.commit = lower
    else:
        wanted.words.append(word[:100])


def page(project: Project, wanted: Filter, user: User, *, before: int | None, until: int | None) -> list[Build]:
    """Builds by number, newest first: at most PAGE + 1 (the last tells that there are more), or all from `until` up.

    `before` is the number under which the page begins. Nothing counts or skips rows, so a million builds cost no more.
    """
    builds = _matching(project, wanted)
    if before is not None:
        builds = builds.filter(number__lt=before)
    limit = PAGE + 1
    if until is not None:
        builds, limit = builds.filter(number__gte=until), MOST_ROWS
    ways = [builds.filter(author_email=user.email), builds.filter(requested_by=user)] if wanted.mine else [builds]
    found: dict[int, Build] = {}
    for way in ways:
        rows = way.select_related("requested_by").defer("plan").order_by("-number")[:limit]
        found.update({build.number: build for build in rows})
    newest = sorted(found.values(), key=lambda build: -build.number)[:limit]
    for build in newest:
        build.project = project
    return newest


def with_commit(builds: BuildQuerySet, start: str) -> BuildQuerySet:
    """Those whose commit begins with `start`: a range, because every collation can use an index for it."""
    return builds.filter(commit__gte=start, commit__lt=start + "g")


def _matching(project: Project, wanted: Filter) -> QuerySet[Build]:
    builds = Build.objects.filter(project=project)
    if wanted.branch:
        builds = builds.filter(branch=wanted.branch)
    if wanted.statuses:
        builds = builds.filter(status__in=wanted.statuses)
    if wanted.number is not None:
        builds = builds.filter(number=wanted.number)
    if wanted.commit:
        builds = with_commit(builds, wanted.commit)
    if wanted.words:
        builds = builds.filter(number__gt=project.last_build_number - MESSAGES_LOOKED_AT)
    for word in wanted.words:
        builds = builds.filter(Q(message__icontains=word) | Q(branch__icontains=word) | Q(author_name__icontains=word))
    return builds
