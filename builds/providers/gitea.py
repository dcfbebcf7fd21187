"""Gitea and Forgejo: the API that each instance documents at /api/swagger, with a person's token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from builds.providers.contract import (
    Access,
    Account,
    CommitStatus,
    DeployKey,
    Hook,
    PullRequest,
    Ref,
    Repository,
    RepositoryPage,
    State,
    same_key,
    shortened,
)
from builds.providers.reading import denied, flag, maybe, rows, text
from builds.providers.rest import Rest, name_parts, part

EVENTS = ["push", "create", "delete", "pull_request", "pull_request_sync", "repository"]
_NEEDS = "the scope write:repository, and administration of the repository"
_STATUSES = "the scope write:repository, and writing to the repository"
_STATES = {
    State.PENDING: "pending",
    State.RUNNING: "pending",
    State.PASSED: "success",
    State.FAILED: "failure",
    State.ERRORED: "error",
    State.CANCELLED: "error",
    State.SKIPPED: "success",
}
_PAGE = 50


class Gitea:
    """See `GitHost`."""

    def __init__(self, access: Access) -> None:
        self._rest = Rest(
            "Gitea",
            f"{access.url.rstrip('/')}/api/v1",
            lambda: {"Authorization": f"token {access.token}", "Accept": "application/json"},
            lambda: (access.token,),
        )

    def whoami(self) -> Account:
        """Gitea does not tell when a token ends, for none does."""
        return Account(text(self._rest.get("/user", needs="the scope read:user"), "login"))

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """With `search`, all that match are asked for, and those that may be managed are kept."""
        if search:
            query = f"q={quote(search, safe='')}&limit={_PAGE}&page={page}"
            data = rows(self._rest.get(f"/repos/search?{query}", needs=_NEEDS), "data")
        else:
            data = rows(self._rest.get(f"/user/repos?limit={_PAGE}&page={page}", needs=_NEEDS))
        mine = [row for row in data if flag(row, "permissions", "admin")]
        return RepositoryPage(tuple(_repository(row) for row in mine), len(data) == _PAGE)

    def repository(self, ref: Ref) -> Repository:
        """By its id, which stays."""
        return _repository(self._rest.get(f"/repositories/{part(ref.id)}", needs="access to the repository"))

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """The one with the address is changed where there is one."""
        body = {
            "active": True,
            "events": EVENTS,
            "config": {"url": hook.url, "content_type": "json", "secret": hook.secret},
        }
        path = f"{self._of(ref)}/hooks"
        found = next((row for row in self._hooks(ref) if maybe(row, "config", "url") == hook.url), None)
        if found:
            return text(self._rest.send("PATCH", f"{path}/{part(text(found, 'id'))}", body, needs=_NEEDS), "id")
        return text(self._rest.send("POST", path, {"type": "gitea", **body}, needs=_NEEDS), "id")

    def find_hook(self, ref: Ref, url: str) -> str:
        """See `GitHost`."""
        mine = (row for row in self._hooks(ref) if maybe(row, "config", "url") == url and flag(row, "active"))
        return next((text(row, "id") for row in mine), "")

    def _hooks(self, ref: Ref) -> list[dict[str, Any]]:
        return list(self._rest.pages(f"{self._of(ref)}/hooks", "limit", needs=_NEEDS))

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/hooks/{part(hook_id)}", needs=_NEEDS)

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """See `GitHost`."""
        if found := self.find_deploy_key(ref, key.text):
            return found
        body = {"title": key.title, "key": key.text, "read_only": True}
        return text(self._rest.send("POST", f"{self._of(ref)}/keys", body, needs=_NEEDS), "id")

    def find_deploy_key(self, ref: Ref, text_of_key: str) -> str:
        """See `GitHost`."""
        keys = self._rest.pages(f"{self._of(ref)}/keys", "limit", needs=_NEEDS)
        return next((text(row, "id") for row in keys if same_key(maybe(row, "key"), text_of_key)), "")

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/keys/{part(key_id)}", needs=_NEEDS)

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """See `GitHost`."""
        body = {
            "state": _STATES[status.state],
            "context": shortened(status.context, 255),
            "description": shortened(status.description, 255),
            "target_url": status.url,
        }
        self._rest.call("POST", f"{self._of(ref)}/statuses/{part(status.commit)}", json=body, needs=_STATUSES)

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """See `GitHost`."""
        found = self._rest.get(f"{self._of(ref)}/pulls/{number}", needs=_NEEDS)
        head = maybe(found, "head", "repo", "full_name")
        return PullRequest(
            number=number,
            head_commit=text(found, "head", "sha"),
            head_repository=head,
            author=maybe(found, "user", "login"),
            from_fork=head != maybe(found, "base", "repo", "full_name"),
            is_closed=maybe(found, "state") != "open",
        )

    def _of(self, ref: Ref) -> str:
        return f"/repos/{name_parts(ref.name)}"


def _repository(row: Mapping[str, Any]) -> Repository:
    return Repository(
        id=text(row, "id"),
        name=text(row, "full_name"),
        web_url=maybe(row, "html_url"),
        ssh_url=maybe(row, "ssh_url"),
        https_url=maybe(row, "clone_url"),
        default_branch=maybe(row, "default_branch") or "main",
        is_private=not denied(row, "private"),
    )
