"""Bitbucket Cloud: https://developer.atlassian.com/cloud/bitbucket/rest/, within one workspace.

The token is an access token of the workspace, a project or a repository (sent as Bearer), or `e-mail:API token` (sent
as a name with its password). Calls across workspaces do not exist any more: the connection's address names one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

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
from builds.providers.errors import Refused, Unavailable
from builds.providers.reading import denied, flag, maybe, rows, text
from builds.providers.rest import MOST_PAGES, Rest, name_parts, part

EVENTS = [
    "repo:push",
    "repo:updated",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
]
_HOOKS = "the scope webhook (API tokens: read, write and delete:webhook:bitbucket)"
_KEYS = "the scopes repository:admin and repository (API tokens: admin:repository:bitbucket)"
_STATUSES = "the scope repository:write (API tokens: write:repository:bitbucket)"
_READ = "the scope repository (API tokens: read:repository:bitbucket)"
_PULLS = "the scope pullrequest (API tokens: read:pullrequest:bitbucket)"
_STATES = {
    State.PENDING: "INPROGRESS",
    State.RUNNING: "INPROGRESS",
    State.PASSED: "SUCCESSFUL",
    State.FAILED: "FAILED",
    State.ERRORED: "FAILED",
    State.CANCELLED: "STOPPED",
    State.SKIPPED: "SUCCESSFUL",
}
_PAGE = 50
_LONGEST_KEY = 40


def api_of(url: str) -> str:
    """Where the API is: beside the site for bitbucket.org."""
    parts = urlsplit(url)
    return (
        "https://api.bitbucket.org/2.0" if parts.hostname == "bitbucket.org" else f"{parts.scheme}://{parts.netloc}/2.0"
    )


class Bitbucket:
    """See `GitHost`."""

    def __init__(self, access: Access) -> None:
        self._workspace = urlsplit(access.url).path.strip("/")
        self._rest = Rest(
            "Bitbucket", api_of(access.url), lambda: _headers(access.token), lambda: _secrets(access.token)
        )

    def whoami(self) -> Account:
        """The workspace: tokens of workspaces and repositories belong to nobody."""
        if not self._workspace or "/" in self._workspace:
            raise Refused("Give the address with the workspace: https://bitbucket.org/your-workspace.")
        rows(self._rest.get(f"/repositories/{part(self._workspace)}?pagelen=1", needs=_READ), "values")
        return Account(self._workspace)

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """See `GitHost`."""
        plain = search.replace("\\", "").replace('"', "")
        wanted = "&q=" + quote(f'full_name ~ "{plain}"', safe="") if plain else ""
        found = self._rest.get(
            f"/repositories/{part(self._workspace)}?sort=full_name&pagelen={_PAGE}&page={page}{wanted}", needs=_READ
        )
        return RepositoryPage(tuple(_repository(row) for row in rows(found, "values")), bool(maybe(found, "next")))

    def repository(self, ref: Ref) -> Repository:
        """By its UUID, which stays."""
        path = f"/repositories/{part(self._workspace)}/{part(ref.id)}"
        return _repository(self._rest.get(path, needs="access to the repository"))

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """The one with the address is changed where there is one."""
        body = {"description": "ciservice", "url": hook.url, "active": True, "events": EVENTS, "secret": hook.secret}
        path = f"{self._of(ref)}/hooks"
        found = next((row for row in self._all(path, _HOOKS) if maybe(row, "url") == hook.url), None)
        if found:
            return text(self._rest.send("PUT", f"{path}/{part(text(found, 'uuid'))}", body, needs=_HOOKS), "uuid")
        return text(self._rest.send("POST", path, body, needs=_HOOKS), "uuid")

    def find_hook(self, ref: Ref, url: str) -> str:
        """See `GitHost`."""
        hooks = self._all(f"{self._of(ref)}/hooks", _HOOKS)
        mine = (row for row in hooks if maybe(row, "url") == url and flag(row, "active"))
        return next((text(row, "uuid") for row in mine), "")

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/hooks/{part(hook_id)}", needs=_HOOKS)

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """Keys of Bitbucket Cloud can only read."""
        if found := self.find_deploy_key(ref, key.text):
            return found
        body = {"label": key.title, "key": key.text}
        return text(self._rest.send("POST", f"{self._of(ref)}/deploy-keys", body, needs=_KEYS), "id")

    def find_deploy_key(self, ref: Ref, text_of_key: str) -> str:
        """See `GitHost`."""
        keys = self._all(f"{self._of(ref)}/deploy-keys", _KEYS)
        return next((text(row, "id") for row in keys if same_key(maybe(row, "key"), text_of_key)), "")

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/deploy-keys/{part(key_id)}", needs=_KEYS)

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """One of the same key is overwritten; a key has 40 characters."""
        body = {
            "key": _key(status.context),
            "name": shortened(status.context, 255),
            "state": _STATES[status.state],
            "description": shortened(status.description, 255),
            "url": status.url,
        }
        path = f"{self._of(ref)}/commit/{part(status.commit)}/statuses/build"
        self._rest.call("POST", path, json=body, needs=_STATUSES)

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """Bitbucket shortens the commit: the whole of it is asked for."""
        found = self._rest.get(f"{self._of(ref)}/pullrequests/{number}", needs=_PULLS)
        head = maybe(found, "source", "repository", "full_name")
        return PullRequest(
            number=number,
            head_commit=self._whole(head or ref.name, text(found, "source", "commit", "hash")),
            head_repository=head,
            author=maybe(found, "author", "nickname"),
            from_fork=head != maybe(found, "destination", "repository", "full_name"),
            is_closed=maybe(found, "state") != "OPEN",
        )

    def _whole(self, name: str, commit: str) -> str:
        if len(commit) >= _LONGEST_KEY:
            return commit
        return text(self._rest.get(f"/repositories/{name_parts(name)}/commit/{part(commit)}", needs=_READ), "hash")

    def _all(self, path: str, needs: str) -> Iterator[dict[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            found = self._rest.get(f"{path}?pagelen={_PAGE}&page={page}", needs=needs)
            yield from rows(found, "values")
            if not maybe(found, "next"):
                return
        raise Unavailable("Bitbucket's list has no end.")

    def _of(self, ref: Ref) -> str:
        return f"/repositories/{name_parts(ref.name)}"


def _headers(token: str) -> dict[str, str]:
    named = base64.b64encode(token.encode()).decode()
    return {"Authorization": f"Basic {named}" if ":" in token else f"Bearer {token}", "Accept": "application/json"}


def _secrets(token: str) -> tuple[str, ...]:
    return (token, token.partition(":")[2], base64.b64encode(token.encode()).decode())


def _key(context: str) -> str:
    """The context, or a short word that stands for it."""
    if len(context) <= _LONGEST_KEY:
        return context
    return hashlib.sha256(context.encode()).hexdigest()[:_LONGEST_KEY]


def _repository(row: Mapping[str, Any]) -> Repository:
    clone = {maybe(link, "name"): maybe(link, "href") for link in rows(row, "links", "clone")}
    return Repository(
        id=text(row, "uuid"),
        name=text(row, "full_name"),
        web_url=maybe(row, "links", "html", "href"),
        ssh_url=clone.get("ssh", ""),
        https_url=_without_name(clone.get("https", "")),
        default_branch=maybe(row, "mainbranch", "name") or "main",
        is_private=not denied(row, "is_private"),
    )


def _without_name(url: str) -> str:
    """Bitbucket writes the person's name into the address: https://ann@bitbucket.org/…"""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
