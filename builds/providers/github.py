"""GitHub, github.com or Enterprise: https://docs.github.com/rest, with a person's token or as an App."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

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
from builds.providers.errors import Forbidden, Refused, Unauthorized
from builds.providers.github_app import InstallationToken, app_rest
from builds.providers.reading import denied, flag, maybe, parsed, rows, text
from builds.providers.rest import Rest, name_parts, part

EVENTS = ["push", "pull_request", "repository"]
# What an App is to be given; docs/repositories.md says why.
PERMISSIONS = {
    "metadata": "read",
    "statuses": "write",
    "repository_hooks": "write",
    "administration": "write",
    "pull_requests": "read",
}
_HOOKS = "repository permission “Webhooks: read and write”, or the scope admin:repo_hook"
_KEYS = "repository permission “Administration: read and write”, or the scope repo"
_STATUSES = "repository permission “Commit statuses: read and write”, or the scope repo:status"
_PULLS = "repository permission “Pull requests: read”, or the scope repo"
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
_SEARCH_PAGES = 10
_SEARCH_SECONDS = 10


def api_of(url: str) -> str:
    """Where the API of the GitHub at `url` is."""
    return "https://api.github.com" if urlsplit(url).hostname == "github.com" else f"{url.rstrip('/')}/api/v3"


class GitHub:
    """See `GitHost`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._app = app_rest("GitHub", api_of(access.url), access) if access.app_id else None
        self._installation = InstallationToken(access, lambda: app_rest("GitHub", api_of(access.url), access))
        renew = self._installation.renew if self._app else lambda: False
        self._rest = Rest(
            "GitHub", api_of(access.url), self._headers, lambda: (access.token, self._installation.known()), renew
        )

    def _headers(self) -> Mapping[str, str]:
        token = self._installation() if self._app else self._access.token
        return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}

    def whoami(self) -> Account:
        """The person of the token, or the account where the App is installed; Forbidden where a permission lacks."""
        if self._app:
            return self._installed(self._app)
        answer = self._rest.call("GET", "/user")
        scopes = [scope.strip() for scope in answer.headers.get("X-OAuth-Scopes", "").split(",") if scope.strip()]
        if scopes and not {"repo", "public_repo"} & set(scopes):  # fine-grained tokens tell of none
            raise Forbidden("The token lacks the scope “repo”: make one that has it.", "repo")
        ends = answer.headers.get("GitHub-Authentication-Token-Expiration", "")
        return Account(text(parsed(answer.body), "login"), _moment(ends))

    def _installed(self, app: Rest) -> Account:
        found = app.get(f"/app/installations/{part(self._access.installation_id)}")
        has = found.get("permissions", {}) if isinstance(found, dict) else {}
        lacks = [
            f"{name}: {level}"
            for name, level in PERMISSIONS.items()
            if maybe(has, name) not in {level, "write", "admin"}
        ]
        if lacks:
            what = ", ".join(lacks)
            raise Forbidden(
                f"The App lacks permissions: {what}. Add them to the App, and accept them where it is installed.", what
            )
        if maybe(found, "suspended_at"):
            raise Unauthorized("The App's installation is suspended: an owner at GitHub can end that.")
        return Account(text(found, "account", "login"))

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """GitHub cannot search these: with `search` the first hundreds are read here, in bounded time."""
        if not search:
            return self._page(page)
        found: list[Repository] = []
        end, at, has_more = time.monotonic() + _SEARCH_SECONDS, 1, True
        while has_more and at <= _SEARCH_PAGES and time.monotonic() < end:
            one = self._page(at)
            found += [each for each in one.repositories if search.lower() in each.name.lower()]
            has_more, at = one.has_more, at + 1
        first = (page - 1) * _PAGE
        return RepositoryPage(tuple(found[first : first + _PAGE]), len(found) > first + _PAGE)

    def _page(self, page: int) -> RepositoryPage:
        if self._app:
            data = rows(self._rest.get(f"/installation/repositories?per_page={_PAGE}&page={page}"), "repositories")
        else:
            order = "affiliation=owner,collaborator,organization_member&sort=full_name"
            data = rows(self._rest.get(f"/user/repos?{order}&per_page={_PAGE}&page={page}"))
        mine = [row for row in data if self._app or flag(row, "permissions", "admin")]
        return RepositoryPage(tuple(_repository(row) for row in mine), len(data) == _PAGE)

    def repository(self, ref: Ref) -> Repository:
        """By its name, which GitHub leads on from after a renaming."""
        return _repository(self._rest.get(f"/repos/{name_parts(ref.name)}", needs="access to the repository"))

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """By the address: GitHub refuses a second one with the same."""
        body = {
            "active": True,
            "events": EVENTS,
            "config": {"url": hook.url, "content_type": "json", "secret": hook.secret, "insecure_ssl": "0"},
        }
        path = f"{self._of(ref)}/hooks"
        found = next((row for row in self._hooks(ref) if maybe(row, "config", "url") == hook.url), None)
        if found:
            return text(self._rest.send("PATCH", f"{path}/{part(text(found, 'id'))}", body, needs=_HOOKS), "id")
        return text(self._rest.send("POST", path, {"name": "web", **body}, needs=_HOOKS), "id")

    def find_hook(self, ref: Ref, url: str) -> str:
        """Among the first hundreds."""
        mine = (row for row in self._hooks(ref) if maybe(row, "config", "url") == url and flag(row, "active"))
        return next((text(row, "id") for row in mine), "")

    def _hooks(self, ref: Ref) -> list[dict[str, Any]]:
        return list(self._rest.pages(f"{self._of(ref)}/hooks", "per_page", needs=_HOOKS))

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/hooks/{part(hook_id)}", needs=_HOOKS)

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """A key opens one repository only: GitHub refuses it for a second."""
        if found := self.find_deploy_key(ref, key.text):
            return found
        body = {"title": key.title, "key": key.text, "read_only": True}
        try:
            return text(self._rest.send("POST", f"{self._of(ref)}/keys", body, needs=_KEYS), "id")
        except Refused as error:
            if "disabled" in str(error).lower():
                raise Refused(
                    f"{error}. Deploy keys are switched off there: an owner can allow them in its settings."
                ) from None
            raise

    def find_deploy_key(self, ref: Ref, text_of_key: str) -> str:
        """See `GitHost`."""
        keys = self._rest.pages(f"{self._of(ref)}/keys", "per_page", needs=_KEYS)
        return next((text(row, "id") for row in keys if same_key(maybe(row, "key"), text_of_key)), "")

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/keys/{part(key_id)}", needs=_KEYS)

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """GitHub keeps the newest of each context."""
        body = {
            "state": _STATES[status.state],
            "context": status.context,
            "description": shortened(status.description, 140),
            "target_url": status.url,
        }
        self._rest.call("POST", f"{self._of(ref)}/statuses/{part(status.commit)}", json=body, needs=_STATUSES)

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """See `GitHost`."""
        found = self._rest.get(f"{self._of(ref)}/pulls/{number}", needs=_PULLS)
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


def _moment(written: str) -> datetime | None:
    """GitHub's header: 2026-12-31 10:00:00 UTC, or with +0000."""
    for form in ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"):
        try:
            return datetime.strptime(written.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
