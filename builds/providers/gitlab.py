"""GitLab, gitlab.com or self-hosted: https://docs.gitlab.com/api/, with a token of a person, group or project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
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
from builds.providers.errors import Forbidden, ProviderError, Refused, Unavailable
from builds.providers.reading import flag, maybe, rows, text
from builds.providers.rest import Rest, part

_NEEDS = "the scope api, and the role Maintainer in the project"
_STATUSES = "the scope api, and the role Developer in the project"
_STATES = {
    State.PENDING: "pending",
    State.RUNNING: "running",
    State.PASSED: "success",
    State.FAILED: "failed",
    State.ERRORED: "failed",
    State.CANCELLED: "canceled",
    State.SKIPPED: "success",
}
_MAINTAINER = 40
_PAGE = 50


class GitLab:
    """See `GitHost`."""

    def __init__(self, access: Access) -> None:
        self._rest = Rest(
            "GitLab",
            f"{access.url.rstrip('/')}/api/v4",
            lambda: {"PRIVATE-TOKEN": access.token, "Accept": "application/json"},
            lambda: (access.token,),
        )

    def whoami(self) -> Account:
        """The token's own user (a bot for those of groups and projects), and until when it is good."""
        name = text(self._rest.get("/user"), "username")
        try:
            told = self._rest.get("/personal_access_tokens/self")
        except Unavailable:
            raise
        except ProviderError:  # older than 15.5, or a kind of token that is not told of
            return Account(name)
        scopes = told.get("scopes") if isinstance(told, dict) else None
        if isinstance(scopes, list) and "api" not in scopes:
            raise Forbidden("The token lacks the scope “api”: make one that has it.", "api")
        return Account(name, _day(maybe(told, "expires_at")))

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """See `GitHost`."""
        query = f"membership=true&min_access_level={_MAINTAINER}&archived=false&order_by=last_activity_at"
        wanted = f"&search={quote(search, safe='')}&search_namespaces=true" if search else ""
        data = rows(self._rest.get(f"/projects?{query}{wanted}&per_page={_PAGE}&page={page}", needs=_NEEDS))
        return RepositoryPage(tuple(_repository(row) for row in data), len(data) == _PAGE)

    def repository(self, ref: Ref) -> Repository:
        """By its id, which stays."""
        return _repository(self._rest.get(self._of(ref), needs="access to the project"))

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """GitLab would take a second one with the same address: the one that is there is changed."""
        body = {
            "url": hook.url,
            "token": hook.secret,
            "push_events": True,
            "tag_push_events": True,
            "merge_requests_events": True,
            "enable_ssl_verification": True,
        }
        path = f"{self._of(ref)}/hooks"
        found = next((row for row in self._hooks(ref) if maybe(row, "url") == hook.url), None)
        if found:
            return text(self._rest.send("PUT", f"{path}/{part(text(found, 'id'))}", body, needs=_NEEDS), "id")
        return text(self._rest.send("POST", path, body, needs=_NEEDS), "id")

    def find_hook(self, ref: Ref, url: str) -> str:
        """One that GitLab has not switched off after failures."""
        mine = (row for row in self._hooks(ref) if maybe(row, "url") == url and flag(row, "push_events"))
        return next((text(row, "id") for row in mine if maybe(row, "alert_status") != "disabled"), "")

    def _hooks(self, ref: Ref) -> list[dict[str, Any]]:
        return list(self._rest.pages(f"{self._of(ref)}/hooks", "per_page", needs=_NEEDS))

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/hooks/{part(hook_id)}", needs=_NEEDS)

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """See `GitHost`."""
        if found := self.find_deploy_key(ref, key.text):
            return found
        body = {"title": key.title, "key": key.text, "can_push": False}
        return text(self._rest.send("POST", f"{self._of(ref)}/deploy_keys", body, needs=_NEEDS), "id")

    def find_deploy_key(self, ref: Ref, text_of_key: str) -> str:
        """See `GitHost`."""
        keys = self._rest.pages(f"{self._of(ref)}/deploy_keys", "per_page", needs=_NEEDS)
        return next((text(row, "id") for row in keys if same_key(maybe(row, "key"), text_of_key)), "")

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/deploy_keys/{part(key_id)}", needs=_NEEDS)

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """GitLab refuses a state that the commit has already, which is what was wanted."""
        body = {
            "state": _STATES[status.state],
            "name": shortened(status.context, 255),
            "description": shortened(status.description, 255),
            "target_url": status.url,
        }
        try:
            self._rest.call("POST", f"{self._of(ref)}/statuses/{part(status.commit)}", json=body, needs=_STATUSES)
        except Refused as error:
            if "Cannot transition status" not in str(error):
                raise

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """A merge request: where it comes from is told by the project's id, its name is asked for."""
        found = self._rest.get(f"{self._of(ref)}/merge_requests/{number}", needs=_NEEDS)
        source, target = maybe(found, "source_project_id"), maybe(found, "target_project_id")
        return PullRequest(
            number=number,
            head_commit=text(found, "sha"),
            head_repository=self._name_of(source),
            author=maybe(found, "author", "username"),
            from_fork=source != target,
            is_closed=maybe(found, "state") not in {"opened", "locked"},
        )

    def _name_of(self, project_id: str) -> str:
        """ "" where it was deleted or is hidden."""
        if not project_id:
            return ""
        try:
            return maybe(self._rest.get(f"/projects/{part(project_id)}"), "path_with_namespace")
        except Unavailable:
            raise
        except ProviderError:
            return ""

    def _of(self, ref: Ref) -> str:
        return f"/projects/{part(ref.id)}"


def _repository(row: Mapping[str, Any]) -> Repository:
    return Repository(
        id=text(row, "id"),
        name=text(row, "path_with_namespace"),
        web_url=maybe(row, "web_url"),
        ssh_url=maybe(row, "ssh_url_to_repo"),
        https_url=maybe(row, "http_url_to_repo"),
        default_branch=maybe(row, "default_branch") or "main",
        is_private=maybe(row, "visibility") != "public",
    )


def _day(written: str) -> datetime | None:
    try:
        return datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
