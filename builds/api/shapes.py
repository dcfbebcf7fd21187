"""Rows as the API's JSON; they come as dicts of exactly the columns named here, so that lists stay quick."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings

from builds.addresses import build_paths
from builds.api.service_names import service_uuid
from builds.models import Job
from builds.states import CODESHIP_STATUS

Row = dict[str, Any]

_LINKS = ("pipelines", "services", "steps", "events")

BUILD_COLUMNS = [
    "uuid",
    "number",
    "project_id",
    "ref",
    "branch",
    "commit",
    "message",
    "author_username",
    "author_name",
    "status",
    "reason",
    "trigger",
    "created_at",
    "started_at",
    "finished_at",
]
STEP_COLUMNS = [
    "uuid",
    "path",
    "kind",
    "name",
    "command",
    "service",
    "status",
    "reason",
    "exit_code",
    "attempt",
    "image_digest",
    "log_lines",
    "started_at",
    "finished_at",
    "job__name",
    "job_id",
]


def api_url(*parts: object) -> str:
    """A full address below /v2/organizations."""
    return "/".join([f"{settings.PUBLIC_URL}/v2/organizations", *map(str, parts)])


def record_json(job: Job) -> Row:
    """What a job ran with; of secrets the names alone."""
    record = job.record
    if record is not None:
        record = {**record, "secrets": sorted(record["secrets"]["hashes"])}
    return {"pipeline": job.name, "attempt": job.attempt, "state": job.status, "record": record}


class BuildShape:
    """Makes the JSON of the builds of one project."""

    def __init__(self, organization_uuid: UUID, project_uuid: UUID) -> None:
        self._organization = str(organization_uuid)
        self._project = str(project_uuid)
        self._page = build_paths(project_uuid)
        self._api = api_url(organization_uuid, "projects", project_uuid, "builds")

    def __call__(self, row: Row) -> Row:
        """A build."""
        uuid = str(row["uuid"])
        return {
            "uuid": uuid,
            "number": row["number"],
            "project_uuid": self._project,
            "project_id": row["project_id"],
            "organization_uuid": self._organization,
            "ref": row["ref"].removeprefix("refs/"),
            "branch": row["branch"],
            "commit_sha": row["commit"],
            "commit_message": row["message"],
            "username": row["author_username"] or row["author_name"],
            "state": row["status"],
            "status": CODESHIP_STATUS[row["status"]],
            "reason": row["reason"],
            "trigger": row["trigger"],
            "queued_at": row["created_at"],
            "allocated_at": row["started_at"],
            "finished_at": row["finished_at"],
            "url": settings.PUBLIC_URL + self._page(row["number"]),
            "links": {name: f"{self._api}/{uuid}/{name}" for name in _LINKS},
        }

    def steps(self, build_uuid: UUID, rows: list[Row]) -> list[Row]:
        """The steps of a build as trees; `rows` in the order of reading."""
        trees: list[Row] = []
        by_place: dict[tuple[int, str], Row] = {}
        for row in rows:
            step = self._step(str(build_uuid), row)
            by_place[row["job_id"], row["path"]] = step
            above = by_place.get((row["job_id"], row["path"].rpartition(".")[0]))
            (trees if above is None else above["steps"]).append(step)
        return trees

    def _step(self, build_uuid: str, row: Row) -> Row:
        uuid = str(row["uuid"])
        return {
            "uuid": uuid,
            "build_uuid": build_uuid,
            "service_uuid": str(service_uuid(build_uuid, row["service"])) if row["service"] else None,
            "name": row["name"],
            "type": row["kind"],
            "tag": None,
            "command": row["command"],
            "image_name": row["image_digest"],
            "registry": None,
            "state": row["status"],
            "status": CODESHIP_STATUS[row["status"]],
            "reason": row["reason"],
            "exit_code": row["exit_code"],
            "pipeline": row["job__name"],
            "attempt": row["attempt"],
            "service": row["service"],
            "log_lines": row["log_lines"],
            "log_url": f"{self._api}/{build_uuid}/steps/{uuid}/log",
            "started_at": row["started_at"],
            "building_at": row["started_at"],
            "finished_at": row["finished_at"],
            "updated_at": row["finished_at"] or row["started_at"],
            "steps": [],
        }
