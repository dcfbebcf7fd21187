"""The plain variables a job's steps see: CodeShip's CI_* names of both products, and what the job adds."""

from __future__ import annotations

from builds.addresses import build_url
from builds.models import Build, Job

# A variable may have 128 KiB on Linux; CodeShip kept the end of a long message.
_MOST_MESSAGE = 20_000


def variables(job: Job) -> dict[str, str]:
    """Names and values for every container of the job; a value holds no NUL, which no variable may."""
    values = {**_of_build(job.build), **{name: str(value) for name, value in job.variables.items()}}
    return {name: value.replace("\0", "") for name, value in values.items()}


def _of_build(build: Build) -> dict[str, str]:
    project, message = build.project, build.message[-_MOST_MESSAGE:]
    return {
        "CI": "true",
        "CI_NAME": "codeship",
        "CI_BRANCH": build.branch,
        "CI_COMMIT_ID": build.commit,
        "CI_COMMIT_MESSAGE": message,
        "CI_MESSAGE": message,
        "CI_COMMIT_DESCRIPTION": build.described,
        "CI_COMMITTER_NAME": build.author_name,
        "CI_COMMITTER_EMAIL": build.author_email,
        "CI_COMMITTER_USERNAME": build.author_username,
        "CI_REPO_NAME": project.name,
        "CI_PROJECT_ID": str(project.uuid),
        "CI_BUILD_ID": str(build.uuid),
        "CI_BUILD_NUMBER": str(build.number),
        "CI_BUILD_URL": build_url(project.uuid, build.number),
        "CI_TIMESTAMP": str(int(build.created_at.timestamp())),
        "CI_STRING_TIME": build.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "CI_PR_NUMBER": str(build.pull_request or ""),
        "CI_PULL_REQUEST": build.pull_request_url or "false",
    }
