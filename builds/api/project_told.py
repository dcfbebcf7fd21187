"""Projects as the API's JSON: their rows, and what hangs on them, a query for each kind however many projects there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from builds.access import Right, may_in
from builds.addresses import hook_url, project_url
from builds.api import rules_slot
from builds.api.auth import Asked
from builds.api.basic import deployment_pipelines, setup_commands, test_pipelines
from builds.models import KeptPipelines, Project, Secret
from builds.pipeline.basic import Kept, kept_from_json
from builds.services.project_key import key_of

Row = dict[str, Any]

COLUMNS = [
    "id",
    "uuid",
    "organization__uuid",
    "name",
    "provider",
    "repository_url",
    "default_branch",
    "ssh_public_key",
    "pull_requests_only",
    "connection__account",
    "created_at",
]


class Told:
    """Pages of a query set of projects, as JSON."""

    def __init__(self, projects: QuerySet[Project]) -> None:
        self._projects = projects

    def count(self) -> int:
        """How many there are."""
        return self._projects.count()

    def __getitem__(self, places: slice) -> Iterable[Row]:
        """Those at `places`."""
        return told(list(self._projects.values(*COLUMNS)[places]))


def told(rows: Sequence[Row]) -> list[Row]:
    """The JSON of projects, without the key of any."""
    keys = [row["id"] for row in rows]
    kept = {row.project_id: row for row in KeptPipelines.objects.filter(project__in=keys)}
    variables, teams = _variables(keys), _teams(keys)
    rules = rules_slot.told(keys)
    return [_json(row, kept.get(row["id"]), variables, teams, rules) for row in rows]


def one(request: Asked, project: Project) -> Row:
    """A project as it stands now; with its key for who may change it, with a token that is good for that."""
    (found,) = told([Project.objects.values(*COLUMNS).get(pk=project.pk)])
    if request.token.allows("project.write") and _may_change(request.auth, project):
        found["aes_key"] = key_of(project.pk).strip() or None
    return found


def _may_change(user: User, project: Project) -> bool:
    return may_in(user, project, Right.CHANGE_PROJECT)


def _variables(keys: Sequence[int]) -> Mapping[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    secrets = Secret.objects.filter(project__in=keys, environment="", branch="").order_by("name")
    for project_id, name in secrets.values_list("project_id", "name"):
        found[project_id].append({"name": name, "value": None})
    return found


def _teams(keys: Sequence[int]) -> Mapping[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    through = Project.teams.through.objects.filter(project__in=keys).order_by("team_id")
    for project_id, team_id in through.values_list("project_id", "team_id"):
        found[project_id].append(team_id)
    return found


def _json(
    row: Row,
    kept_row: KeptPipelines | None,
    variables: Mapping[int, list[Row]],
    teams: Mapping[int, list[int]],
    rules: Mapping[int, list[Row]],
) -> Row:
    uuid, key = row["uuid"], row["id"]
    kept = Kept() if kept_row is None else kept_from_json(kept_row.data)
    changed_at = row["created_at"] if kept_row is None else kept_row.changed_at
    return {
        "id": key,
        "uuid": uuid,
        "organization_uuid": row["organization__uuid"],
        "name": row["name"],
        "type": "pro" if kept_row is None else "basic",
        "repository_url": row["repository_url"],
        "repository_provider": row["provider"],
        "authentication_user": row["connection__account"] or "",
        "default_branch": row["default_branch"],
        "ssh_key": row["ssh_public_key"],
        "aes_key": None,
        "team_ids": teams.get(key, []),
        "build_on_pr_only": row["pull_requests_only"],
        "branch_match": "all",
        "branches": [],
        "setup_commands": setup_commands(kept),
        "test_pipelines": test_pipelines(kept, changed_at),
        "deployment_pipelines": deployment_pipelines(kept),
        "environment_variables": variables.get(key, []),
        "notification_rules": rules.get(key, []),
        "hook_url": hook_url(row["provider"], uuid),
        "url": project_url(uuid),
        "created_at": row["created_at"],
        "updated_at": max(row["created_at"], changed_at),
    }
