"""Which secrets and variables a job is given. Of one name the most specific wins; nothing else is opened.

From the least to the most specific: the organisation's, the project's, those for a branch, those for an environment;
of two for a branch the one that names it, then the longer pattern, then the project's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from accounts.sealing import as_it_stands, unseal
from builds.models import Build, Job, Project, Secret, SecretKind
from builds.models.job import JobKind
from builds.pipeline.match import PatternError, branch_matches

_OF_AN_ENVIRONMENT = frozenset({JobKind.DEPLOYMENT, JobKind.CHECK})
_COLUMNS = ("pk", "name", "kind", "found", "project_id", "environment", "branch")


@dataclass(frozen=True)
class Given:
    """One variable that a job is given."""

    pk: int
    name: str
    kind: str
    sealed: str = field(repr=False)
    project_id: int | None
    environment: str
    branch: str

    @property
    def value(self) -> str:
        """Opened."""
        return unseal(self.sealed) if self.sealed else ""

    @property
    def kind_label(self) -> str:
        """What it is, for people."""
        return str(SecretKind(self.kind).label)

    @property
    def place(self) -> str:
        """Where it is from, in words."""
        whose = "the project" if self.project_id else "the organisation"
        narrowed = (f"branch {self.branch}" if self.branch else "", f"environment {self.environment}")
        return ", ".join((whose, *(word for word in narrowed[: 2 if self.environment else 1] if word)))

    @property
    def rank(self) -> tuple[object, ...]:
        """Greater = more specific."""
        literal = len(self.branch.replace("*", "").replace("?", ""))
        is_exact = bool(self.branch) and literal == len(self.branch)
        return bool(self.environment), bool(self.branch), is_exact, literal, self.project_id is not None, self.pk


def place_of(build: Build) -> str:
    """What `branch` of a secret is matched against: the branch's name, or tag:name, which no branch can be called."""
    return f"tag:{build.branch}" if build.ref.startswith("refs/tags/") else build.branch


def given(project: Project, branch: str, environment: str = "") -> list[Given]:
    """What a job of this branch (or tag:name) is given, by name; with those of `environment` where it deploys there."""
    rows = _in_reach(project).filter(environment__in={"", environment}).annotate(found=as_it_stands("value"))
    found = (Given(*row) for row in rows.values_list(*_COLUMNS))
    return most_specific(each for each in found if _matches(each.branch, branch))


def most_specific(found: Iterable[Given]) -> list[Given]:
    """One for each name, by name."""
    best: dict[str, Given] = {}
    for each in sorted(found, key=lambda one: one.rank):
        best[each.name] = each
    return [best[name] for name in sorted(best)]


def given_to(job: Job) -> list[Given]:
    """What this job is given. A stranger's fork gets nothing secret, and only a deployment what is its environment's."""
    is_there = job.kind in _OF_AN_ENVIRONMENT
    environment = str(job.variables.get("CI_ENVIRONMENT", "")) if is_there else ""
    if job.build.from_fork:
        return []
    return given(job.build.project, place_of(job.build), environment)


def secrets_for(project: Project, branch: str, environment: str = "") -> dict[str, str]:
    """Names and values of what is secret, opened: files too."""
    return {each.name: each.value for each in given(project, branch, environment) if each.kind != SecretKind.VARIABLE}


def plain_for(build: Build, environment: str = "") -> dict[str, str]:
    """Names and values of the plain variables that a job of this build is given today."""
    return dict(_plain(() if build.from_fork else given(build.project, place_of(build), environment)))


def _plain(found: Iterable[Given]) -> Iterator[tuple[str, str]]:
    return ((each.name, each.value) for each in found if each.kind == SecretKind.VARIABLE)


def _in_reach(project: Project) -> QuerySet[Secret]:
    of_all = Q(projects=None) | Q(projects=project.pk)
    return Secret.objects.filter(Q(project=project.pk) | (Q(organization=project.organization_id) & of_all))


def _matches(pattern: str, branch: str) -> bool:
    if not pattern or pattern == branch:
        return True
    try:
        return branch_matches(pattern, branch)
    except PatternError:
        return False
