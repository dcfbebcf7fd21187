"""What each git host sends, in the shapes that they document: made from what is told, with texts of our own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from builds.webhooks.signature import sign

ZEROS = "0" * 40
A, B, C = ("a" * 40, "b" * 40, "c" * 40)
REPOSITORY, FORK = "4711", "4712"  # what the hosts call the project's repository, and a stranger's copy
UUIDS = {REPOSITORY: "{11111111-2222-4333-8444-555555555555}", FORK: "{99999999-2222-4333-8444-555555555555}"}
NOON = "2026-11-24T12:00:00Z"

Payload = dict[str, Any]


def push(before=ZEROS, after=A, ref="refs/heads/main", message="Fix tax rounding", **more):
    """A push as GitHub and the post-receive script tell it; `as_sent` makes it another host's. `more` is merged in."""
    author = {"name": "Ada", "email": "ada@example.com", "username": "ada"}
    head = None if after == ZEROS else {"id": after, "message": message, "author": author}
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "head_commit": head,
        "message": message,
        "author": author,
        "repository": {"id": int(REPOSITORY), "full_name": "shop/api", "html_url": "https://github.com/shop/api"},
        **more,
    }


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A pull request and what became of it: opened, moved, reopened, merged, closed, ready or retitled."""

    what: str = "opened"
    number: int = 7
    commit: str = A
    head: str | None = FORK  # the repository that it comes from; None = gone
    base: str = REPOSITORY
    branch: str = "feature"
    at: str = NOON
    author: str = "mallory"
    sender: str = "mallory"
    more: Payload = field(default_factory=dict)


def _github_push(told: Payload) -> tuple[str, Payload]:
    return "push", told


def _gitea_push(told: Payload) -> tuple[str, Payload]:
    head = told.get("head_commit")
    return "push", {**told, "commits": [head] if head else [], "pusher": {"login": "ada"}}


def _gitlab_push(told: Payload) -> tuple[str, Payload]:
    head, is_tag = told.get("head_commit"), str(told["ref"]).startswith("refs/tags/")
    return "Tag Push Hook" if is_tag else "Push Hook", {
        "object_kind": "tag_push" if is_tag else "push",
        "ref": told["ref"],
        "before": told["before"],
        "after": told["after"],
        "checkout_sha": head and head["id"],
        "message": None,
        "user_username": told["author"]["username"] if isinstance(told["author"], dict) else None,
        "project_id": int(REPOSITORY),
        "project": _gitlab_project(REPOSITORY),
        "commits": [{"id": head["id"], "message": head["message"], "author": head["author"]}] if head else [],
        "total_commits_count": 1,
    }


def _gitlab_project(repository: str) -> Payload:
    name = "shop/api" if repository == REPOSITORY else "mallory/api"
    return {
        "id": int(repository),
        "path_with_namespace": name,
        "web_url": f"https://gitlab.com/{name}",
        "git_http_url": f"https://gitlab.com/{name}.git",
    }


def bitbucket_change(told: Payload) -> Payload:
    """One of the changes of a push."""
    ref = told["ref"]
    folder, _, name = str(ref).removeprefix("refs/").partition("/")
    thing = {"heads": "branch", "tags": "tag"}.get(folder, "bookmark")
    head = told.get("head_commit") or {}
    author = told["author"] if isinstance(told["author"], dict) else {}
    target = {
        "hash": told["after"],
        "message": head.get("message", told["message"]),
        "author": {
            "raw": f"{author.get('name')} <{author.get('email')}>",
            "user": {"nickname": author.get("username")},
        },
    }
    name = name if isinstance(ref, str) else ref
    return {
        "old": None if told["before"] == ZEROS else {"type": thing, "name": name, "target": {"hash": told["before"]}},
        "new": None if told["after"] == ZEROS else {"type": thing, "name": name, "target": target},
        "created": told["before"] == ZEROS,
        "closed": told["after"] == ZEROS,
        "forced": False,
        "truncated": False,
    }


def _bitbucket_repository(repository: str | None) -> Payload | None:
    if repository is None:
        return None
    name = "shop/api" if repository == REPOSITORY else "mallory/api"
    return {
        "type": "repository",
        "uuid": UUIDS[repository],
        "full_name": name,
        "links": {"html": {"href": f"https://bitbucket.org/{name}"}},
    }


def _bitbucket_push(told: Payload) -> tuple[str, Payload]:
    changes = told.get("changes") or [told]
    return "repo:push", {
        "repository": _bitbucket_repository(REPOSITORY),
        "actor": {"nickname": "ada"},
        "push": {"changes": [bitbucket_change(change) for change in changes]},
    }


def _server_repository(repository: str | None) -> Payload | None:
    if repository is None:
        return None
    key = "SHOP" if repository == REPOSITORY else "~MALLORY"
    return {
        "id": int(repository),
        "slug": "api",
        "project": {"key": key},
        "links": {"self": [{"href": f"https://bitbucket.example.com/projects/{key}/repos/api/browse"}]},
    }


def _server_push(told: Payload) -> tuple[str, Payload]:
    changes = told.get("changes") or [told]
    head, author = told.get("head_commit"), told["author"] if isinstance(told["author"], dict) else {}
    said = {"displayName": author.get("name"), "emailAddress": author.get("email"), "slug": author.get("username")}
    return "repo:refs_changed", {
        "eventKey": "repo:refs_changed",
        "repository": _server_repository(REPOSITORY),
        "changes": [
            {
                "ref": {"id": one["ref"], "type": "BRANCH"},
                "refId": one["ref"],
                "fromHash": one["before"],
                "toHash": one["after"],
                "type": "UPDATE",
            }
            for one in changes
        ],
        "toCommit": head and {"id": head["id"], "message": head["message"], "author": said},
    }


def _github_proposal(it: Proposed) -> tuple[str, Payload]:
    action = {"moved": "synchronize", "merged": "closed", "ready": "ready_for_review", "retitled": "edited"}
    is_closed = it.what in {"closed", "merged"}
    owner = "mallory" if it.head == FORK else "shop"
    repository = it.head and {"id": int(it.head), "full_name": f"{owner}/api", "owner": {"login": owner}}
    return "pull_request", {
        "action": action.get(it.what, it.what),
        "number": it.number,
        "pull_request": {
            "number": it.number,
            "state": "closed" if is_closed else "open",
            "title": "Take my change",
            "html_url": f"https://github.com/shop/api/pull/{it.number}",
            "user": {"login": it.author},
            "updated_at": it.at,
            "merged": it.what == "merged",
            "head": {"ref": it.branch, "sha": it.commit, "repo": repository, "user": {"login": owner}},
            "base": {"ref": "main", "sha": C, "repo": {"id": int(it.base), "full_name": "shop/api"}},
        },
        "repository": {"id": int(it.base), "full_name": "shop/api", "html_url": "https://github.com/shop/api"},
        "sender": {"login": it.sender},
        **it.more,
    }


def _gitea_proposal(it: Proposed) -> tuple[str, Payload]:
    _, payload = _github_proposal(it)
    its = payload["pull_request"]
    payload["action"] = {"synchronize": "synchronized", "ready_for_review": "edited"}.get(
        payload["action"], payload["action"]
    )
    its["head"]["repo_id"], its["base"]["repo_id"] = int(it.head) if it.head else -1, int(it.base)
    its["html_url"] = its["url"] = f"https://codeberg.org/shop/api/pulls/{it.number}"
    return "pull_request", payload


def _gitlab_proposal(it: Proposed) -> tuple[str, Payload]:
    actions = {"opened": "open", "moved": "update", "reopened": "reopen", "merged": "merge", "closed": "close"}
    is_closed = it.what in {"closed", "merged"}
    its = {
        "iid": it.number,
        "id": 90_000 + it.number,
        "action": actions.get(it.what, "update"),
        "state": {"merged": "merged", "closed": "closed"}.get(it.what, "opened") if is_closed else "opened",
        "title": "Take my change",
        "url": f"https://gitlab.com/shop/api/-/merge_requests/{it.number}",
        "source_branch": it.branch,
        "target_branch": "main",
        "source_project_id": it.head and int(it.head),
        "target_project_id": int(it.base),
        "source": it.head and _gitlab_project(it.head),
        "target": _gitlab_project(it.base),
        "last_commit": {"id": it.commit, "message": "Change", "author": {"name": "M", "email": "m@example.com"}},
        "updated_at": it.at.replace("T", " ").replace("Z", " UTC"),
        **({"oldrev": C} if it.what == "moved" else {}),
    }
    changes = {"draft": {"previous": True, "current": False}} if it.what == "ready" else {}
    return "Merge Request Hook", {
        "object_kind": "merge_request",
        "user": {"username": it.sender},
        "project": _gitlab_project(it.base),
        "object_attributes": its,
        "changes": changes,
        **it.more,
    }


def _bitbucket_proposal(it: Proposed) -> tuple[str, Payload]:
    events = {"opened": "created", "reopened": "created", "merged": "fulfilled", "closed": "rejected"}
    states = {"merged": "MERGED", "closed": "DECLINED"}
    return f"pullrequest:{events.get(it.what, 'updated')}", {
        "repository": _bitbucket_repository(it.base),
        "actor": {"nickname": it.sender},
        "pullrequest": {
            "id": it.number,
            "state": states.get(it.what, "OPEN"),
            "title": "Take my change",
            "author": {"nickname": it.author},
            "updated_on": it.at.replace("Z", ".123456+00:00"),
            "links": {"html": {"href": f"https://bitbucket.org/shop/api/pull-requests/{it.number}"}},
            "source": {
                "branch": {"name": it.branch},
                "commit": {"hash": it.commit[:12]},
                "repository": _bitbucket_repository(it.head),
            },
            "destination": {
                "branch": {"name": "main"},
                "commit": {"hash": C[:12]},
                "repository": _bitbucket_repository(it.base),
            },
        },
        **it.more,
    }


def _server_proposal(it: Proposed) -> tuple[str, Payload]:
    events = {"moved": "pr:from_ref_updated", "merged": "pr:merged", "closed": "pr:declined", "retitled": "pr:modified"}
    event = events.get(it.what, "pr:opened")
    date = time.strptime(it.at, "%Y-%m-%dT%H:%M:%SZ")
    milliseconds = int(time.mktime(date) - time.timezone) * 1000
    return event, {
        "eventKey": event,
        "actor": {"name": it.sender},
        "pullRequest": {
            "id": it.number,
            "state": {"merged": "MERGED", "closed": "DECLINED"}.get(it.what, "OPEN"),
            "title": "Take my change",
            "author": {"user": {"name": it.author}},
            "updatedDate": milliseconds,
            "links": {"self": [{"href": "https://bitbucket.example.com/projects/SHOP/repos/api/pull-requests/7"}]},
            "fromRef": {
                "id": f"refs/heads/{it.branch}",
                "displayId": it.branch,
                "latestCommit": it.commit,
                "repository": _server_repository(it.head),
            },
            "toRef": {"displayId": "main", "latestCommit": C, "repository": _server_repository(it.base)},
        },
        **it.more,
    }


def _signed(header: str, *, bare: bool = False) -> Callable[[str, bytes], dict[str, str]]:
    return lambda secret, body: {header: sign(secret, body).removeprefix("sha256=") if bare else sign(secret, body)}


def gitlab_signed(secret: str, body: bytes, *, at: float | None = None, told: str = "msg-1") -> dict[str, str]:
    """GitLab's newer headers."""
    moment = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"{told}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": told,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


@dataclass(frozen=True, kw_only=True)
class Sender:
    """How one host sends."""

    push: Callable[[Payload], tuple[str, Payload]]
    headers: Callable[[str, bytes], dict[str, str]]  # of secret and body
    signature: str
    event: str
    delivery: str
    proposal: Callable[[Proposed], tuple[str, Payload]] | None = None
    ref: str = ""  # where a fork's commits of pull request 7 are


SENDERS = {
    "generic": Sender(
        push=_github_push,
        headers=_signed("X-Ciservice-Signature"),
        signature="X-Ciservice-Signature",
        event="X-Ciservice-Event",
        delivery="X-Ciservice-Delivery",
    ),
    "github": Sender(
        push=_github_push,
        headers=_signed("X-Hub-Signature-256"),
        signature="X-Hub-Signature-256",
        event="X-GitHub-Event",
        delivery="X-GitHub-Delivery",
        proposal=_github_proposal,
        ref="refs/pull/7/head",
    ),
    "gitlab": Sender(
        push=_gitlab_push,
        headers=lambda secret, body: {"X-Gitlab-Token": secret},
        signature="X-Gitlab-Token",
        event="X-Gitlab-Event",
        delivery="Idempotency-Key",
        proposal=_gitlab_proposal,
        ref="refs/merge-requests/7/head",
    ),
    "bitbucket": Sender(
        push=_bitbucket_push,
        headers=_signed("X-Hub-Signature"),
        signature="X-Hub-Signature",
        event="X-Event-Key",
        delivery="X-Request-UUID",
        proposal=_bitbucket_proposal,
        ref="refs/heads/feature",
    ),
    "bitbucket_server": Sender(
        push=_server_push,
        headers=_signed("X-Hub-Signature"),
        signature="X-Hub-Signature",
        event="X-Event-Key",
        delivery="X-Request-Id",
        proposal=_server_proposal,
        ref="refs/pull-requests/7/from",
    ),
    "gitea": Sender(
        push=_gitea_push,
        headers=_signed("X-Gitea-Signature", bare=True),
        signature="X-Gitea-Signature",
        event="X-Gitea-Event",
        delivery="X-Gitea-Delivery",
        proposal=_gitea_proposal,
        ref="refs/pull/7/head",
    ),
}
WITH_PROPOSALS = [name for name, sender in SENDERS.items() if sender.proposal]


def as_sent(provider: str, told: Payload) -> tuple[str, Payload]:
    """The event's name and the payload, for a push as `push` makes it."""
    return SENDERS[provider].push(told)
