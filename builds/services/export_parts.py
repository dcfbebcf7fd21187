"""What an export of an organisation's data holds: named parts of rows, each column named here, so that no secret slips in.

Later apps add theirs with `also`, in their `ready()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import Organization
from builds.models import Build, BuildMove, Job, Project, Schedule, Secret, Step

Row = dict[str, Any]
_AT_ONCE = 500


@dataclass(frozen=True)
class Part:
    """One file of the export; `rows` gives plain values: texts, numbers, times, UUIDs, lists and dicts of them."""

    name: str
    rows: Callable[[Organization], Iterable[Row]]


_of_later_apps: list[Part] = []


def also(part: Part) -> None:
    """Have a later app's part exported, too."""
    if part not in _of_later_apps:
        _of_later_apps.append(part)


def parts() -> list[Part]:
    """All of them, in the order of the file."""
    return [*_OWN, *_of_later_apps]


def columns(rows: QuerySet[Any], names: Sequence[str]) -> Iterator[Row]:
    """`names` of each row, by primary key, without holding all rows in memory."""
    last = 0
    while some := list(rows.filter(pk__gt=last).order_by("pk").values("pk", *names)[:_AT_ONCE]):
        last = some[-1]["pk"]
        for row in some:
            del row["pk"]
            yield row


def _organization(organization: Organization) -> Iterator[Row]:
    named = ("uuid", "name", "slug", "concurrency", "created_at")
    yield from columns(Organization.objects.filter(pk=organization.pk), named)


def _members(organization: Organization) -> Iterator[Row]:
    return columns(organization.memberships.all(), ("user__email", "user__name", "role", "created_at"))


def _teams(organization: Organization) -> Iterator[Row]:
    for team in organization.teams.prefetch_related("members", "projects").order_by("pk"):
        yield {
            "uuid": team.uuid,
            "name": team.name,
            "role": team.role,
            "members": sorted(member.email for member in team.members.all()),
            "projects": sorted(str(project.uuid) for project in team.projects.all()),
        }


def _invitations(organization: Organization) -> Iterator[Row]:
    named = ("email", "role", "invited_by__email", "created_at", "expires_at", "accepted_at", "withdrawn_at")
    return columns(organization.invitations.all(), named)


_PROJECT = (
    *("uuid", "name", "provider", "repository_url", "default_branch", "ssh_public_key", "supersede"),
    *("supersede_running", "timeout_seconds", "silence_seconds", "reports_statuses", "status_context", "forks"),
    *("pull_requests_only", "created_at"),
)
_BUILD = (
    *("uuid", "project__uuid", "number", "status", "reason", "trigger", "ref", "branch", "commit", "message"),
    *("author_name", "author_email", "author_username", "pull_request", "from_fork", "requested_by__email"),
    *("created_at", "started_at", "finished_at"),
)
_JOB = ("uuid", "build__uuid", "name", "kind", "status", "attempt", "created_at", "started_at", "finished_at")
_STEP = (
    *("uuid", "job__uuid", "attempt", "path", "kind", "name", "service", "command", "status", "exit_code"),
    *("failure", "reason", "image_digest", "started_at", "finished_at", "log_lines", "log_bytes"),
)
_SECRET = ("project__uuid", "organization__uuid", "environment", "branch", "name", "kind", "created_at", "changed_at")


def _projects(organization: Organization) -> Iterator[Row]:
    return columns(Project.objects.filter(organization=organization), _PROJECT)


def _there(organization: Organization, project: str = "project__") -> Row:
    """The condition on rows whose project is there."""
    return {f"{project}organization": organization, f"{project}deleting_at": None}


def _schedules(organization: Organization) -> Iterator[Row]:
    return columns(Schedule.objects.filter(**_there(organization)), ("project__uuid", "cron", "zone", "branch"))


def _builds(organization: Organization) -> Iterator[Row]:
    return columns(Build.objects.filter(**_there(organization)), _BUILD)


def _moves(organization: Organization) -> Iterator[Row]:
    named = ("build__uuid", "came_from", "went_to", "at", "who", "reason")
    return columns(BuildMove.objects.filter(**_there(organization, "build__project__")), named)


def _jobs(organization: Organization) -> Iterator[Row]:
    return columns(Job.objects.filter(**_there(organization, "build__project__")), _JOB)


def _steps(organization: Organization) -> Iterator[Row]:
    return columns(Step.objects.filter(**_there(organization, "job__build__project__")), _STEP)


def _secrets(organization: Organization) -> Iterator[Row]:
    """Their names and places; a value never leaves."""
    yield from columns(Secret.objects.filter(**_there(organization)), _SECRET)
    yield from columns(Secret.objects.filter(organization=organization), _SECRET)


def _audit(organization: Organization) -> Iterator[Row]:
    named = ("created_at", "user__email", "action", "subject", "details", "address")
    return columns(organization.audit_entries.all(), named)


_OWN = [
    Part("organization", _organization),
    Part("members", _members),
    Part("teams", _teams),
    Part("invitations", _invitations),
    Part("projects", _projects),
    Part("schedules", _schedules),
    Part("secrets", _secrets),
    Part("builds", _builds),
    Part("build_moves", _moves),
    Part("jobs", _jobs),
    Part("steps", _steps),
    Part("audit", _audit),
]
