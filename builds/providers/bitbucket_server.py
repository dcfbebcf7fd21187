"""Bitbucket Server and Data Center: https://developer.atlassian.com/server/bitbucket/rest/, with an HTTP access token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
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
from builds.providers.errors import Missing, ProviderError, Unauthorized, Unavailable
from builds.providers.reading import flag, maybe, rows, text
from builds.providers.rest import MOST_PAGES, Rest, part

EVENTS = [
    "repo:refs_changed",
    "repo:modified",
    "pr:opened",
    "pr:from_ref_updated",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
]
_ADMIN = "the permission Repository admin"
_READ = "the permission Repository read"
_STATES = {
    State.PENDING: "INPROGRESS",
    State.RUNNING: "INPROGRESS",
    State.PASSED: "SUCCESSFUL",
    State.FAILED: "FAILED",
    State.ERRORED: "FAILED",
    State.CANCELLED: "FAILED",  # the API that every version has knows three states
    State.SKIPPED: "SUCCESSFUL",
}
_PAGE = 50


class BitbucketServer:
    """See `GitHost`. A repository is named by its project's key and its slug: KEY/slug."""

    def __init__(self, access: Access) -> None:
        self._rest = Rest(
            "Bitbucket Server",
            f"{access.url.rstrip('/')}/rest",
            lambda: {
                "Authorization": f"Bearer {access.token}",
                "Accept": "application/json",
                "X-Atlassian-Token": "no-check",
            },
            lambda: (access.token,),
        )

    def whoami(self) -> Account:
        """The name that it puts on every answer; for a stranger it puts none."""
        answer = self._rest.call("GET", "/api/1.0/repos?limit=1")
        name = maybe({"name": answer.headers.get("X-AUSERNAME", "")}, "name")
        if not name:
            raise Unauthorized("Bitbucket Server does not know the token: it is wrong, has expired or was revoked.")
        return Account(name[:200])

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """See `GitHost`."""
        wanted = f"&name={quote(search, safe='')}" if search else ""
        start = (page - 1) * _PAGE
        path = f"/api/1.0/repos?permission=REPO_ADMIN&limit={_PAGE}&start={start}{wanted}"
        found = self._rest.get(path, needs=_ADMIN)
        return RepositoryPage(tuple(_repository(row) for row in rows(found, "values")), not flag(found, "isLastPage"))

    def repository(self, ref: Ref) -> Repository:
        """By its name, from which Bitbucket Server leads on after a renaming or a move."""
        found = self._rest.get(self._of(ref), needs=_READ)
        return replace(_repository(found), default_branch=self._default_branch(found))

    def _default_branch(self, row: Mapping[str, Any]) -> str:
        """ "main" where there is none yet, or the version is too old to say."""
        try:
            told = self._rest.get(f"{self._of(Ref('', _name(row)))}/default-branch", needs=_READ)
        except Unavailable:
            raise
        except ProviderError:
            return "main"
        return maybe(told, "displayId") or "main"

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """The one with the address is changed where there is one."""
        body = {
            "name": "ciservice",
            "url": hook.url,
            "active": True,
            "events": EVENTS,
            "configuration": {"secret": hook.secret},
            "sslVerificationRequired": True,
        }
        path = f"{self._of(ref)}/webhooks"
        found = next((row for row in self._all(path, _ADMIN) if maybe(row, "url") == hook.url), None)
        if found:
            return text(self._rest.send("PUT", f"{path}/{part(text(found, 'id'))}", body, needs=_ADMIN), "id")
        return text(self._rest.send("POST", path, body, needs=_ADMIN), "id")

    def find_hook(self, ref: Ref, url: str) -> str:
        """See `GitHost`."""
        hooks = self._all(f"{self._of(ref)}/webhooks", _ADMIN)
        return next((text(row, "id") for row in hooks if maybe(row, "url") == url and flag(row, "active")), "")

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._of(ref)}/webhooks/{part(hook_id)}", needs=_ADMIN)

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """What Bitbucket Server calls an access key, for reading."""
        if found := self.find_deploy_key(ref, key.text):
            return found
        body = {"key": {"text": key.text, "label": key.title}, "permission": "REPO_READ"}
        return text(self._rest.send("POST", self._keys(ref), body, needs=_ADMIN), "key", "id")

    def find_deploy_key(self, ref: Ref, text_of_key: str) -> str:
        """See `GitHost`."""
        keys = self._all(self._keys(ref), _ADMIN)
        return next((text(row, "key", "id") for row in keys if same_key(maybe(row, "key", "text"), text_of_key)), "")

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """See `GitHost`."""
        self._rest.remove(f"{self._keys(ref)}/{part(key_id)}", needs=_ADMIN)

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """By the API that every version has: it asks for the commit alone."""
        body = {
            "state": _STATES[status.state],
            "key": shortened(status.context, 255),
            "name": shortened(status.context, 255),
            "url": status.url,
            "description": shortened(status.description, 255),
        }
        self._rest.call("POST", f"/build-status/1.0/commits/{part(status.commit)}", json=body, needs=_READ)

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """See `GitHost`."""
        found = self._rest.get(f"{self._of(ref)}/pull-requests/{number}", needs=_READ)
        head, base = (_name(found, side, "repository") for side in ("fromRef", "toRef"))
        return PullRequest(
            number=number,
            head_commit=text(found, "fromRef", "latestCommit"),
            head_repository=head,
            author=maybe(found, "author", "user", "name"),
            from_fork=head != base,
            is_closed=maybe(found, "state") != "OPEN",
        )

    def _all(self, path: str, needs: str) -> Iterator[dict[str, Any]]:
        start = "0"
        for _ in range(MOST_PAGES):
            found = self._rest.get(f"{path}?limit={_PAGE}&start={part(start)}", needs=needs)
            yield from rows(found, "values")
            start = maybe(found, "nextPageStart")
            if flag(found, "isLastPage") or not start:
                return
        raise Unavailable("Bitbucket Server's list has no end.")

    def _of(self, ref: Ref) -> str:
        return f"/api/1.0/{_path(ref.name)}"

    def _keys(self, ref: Ref) -> str:
        return f"/keys/1.0/{_path(ref.name)}/ssh"


def _path(name: str) -> str:
    key, _, slug = name.partition("/")
    if "/" in slug:
        raise Missing("The repository's name is not KEY/slug: connect the project again.")
    return f"projects/{part(key)}/repos/{part(slug)}"


def _name(row: Mapping[str, Any], *path: str) -> str:
    key, slug = maybe(row, *path, "project", "key"), maybe(row, *path, "slug")
    return f"{key}/{slug}" if key and slug else ""


def _repository(row: Mapping[str, Any]) -> Repository:
    clone = {maybe(link, "name"): maybe(link, "href") for link in rows(row, "links", "clone")}
    return Repository(
        id=text(row, "id"),
        name=_name(row),
        web_url=next((maybe(link, "href") for link in rows(row, "links", "self")), ""),
        ssh_url=clone.get("ssh", ""),
        https_url=clone.get("http", ""),
        is_private=not flag(row, "public"),
    )
