"""What an API token may be used for; CodeShip had the first four."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models


class Scope(models.TextChoices):
    """One thing that a token may be good for. A person's own rights are the limit of all of them."""

    PROJECT_READ = "project.read", "see projects"
    PROJECT_WRITE = "project.write", "make and change projects"
    BUILD_READ = "build.read", "see builds and logs"
    BUILD_WRITE = "build.write", "start, stop and approve builds"
    DEPLOYMENT_READ = "deployment.read", "see releases and deployments"
    DEPLOYMENT_WRITE = "deployment.write", "deploy, approve and roll back"
    SECRET_WRITE = "secret.write", "set and remove secrets"
    ORGANIZATION_READ = "organization.read", "see members, teams and the audit log"
    ORGANIZATION_WRITE = "organization.write", "change members and teams"
    RUNNER_READ = "runner.read", "see runners"
    RUNNER_WRITE = "runner.write", "pause, drain and join runners"
    TOKEN_WRITE = "token.write", "list, make and revoke your tokens"


def known_scopes(words: Iterable[str]) -> list[str]:
    """The words, in the order of the table and once each; ValueError names one that is no scope."""
    given = set(words)
    if unknown := sorted(given - set(Scope.values)):
        raise ValueError(f"{unknown[0][:100]!r} is no scope: use some of {', '.join(Scope.values)}.")
    return [scope for scope in Scope.values if scope in given]
