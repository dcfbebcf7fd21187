"""Bitbucket Cloud and Bitbucket Server, or something that checks like them."""

from __future__ import annotations

import base64
import re

from tests.builds.providers.standin import Reply, Repo, Request, StandIn, page_of, text_of

_CLOUD = r"/2\.0/repositories/(shop/[^/]+)"
_CLOUD_EVENTS = {
    "repo:push",
    "repo:updated",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
}
_SERVER = r"/rest/api/1\.0/projects/([^/]+)/repos/([^/]+)"
_SERVER_KEYS = r"/rest/keys/1\.0/projects/([^/]+)/repos/([^/]+)/ssh"
_SERVER_EVENTS = {
    "repo:refs_changed",
    "repo:modified",
    "pr:opened",
    "pr:from_ref_updated",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
}


class BitbucketStandIn(StandIn):
    """Within one workspace, with an access token of it."""

    provider = "bitbucket"
    refused = 400
    account = "shop"

    def __init__(self) -> None:
        super().__init__()
        self.repositories = [Repo("{101}", "shop/api"), Repo("{102}", "shop/web", private=False)]

    @property
    def authorization(self) -> str:
        named = base64.b64encode(self.token.encode()).decode()
        return f"Basic {named}" if ":" in self.token else f"Bearer {self.token}"

    def check_caller(self, request: Request) -> Reply | None:
        if request.headers.get("Authorization") == self.authorization:
            return None
        return Reply(401, {"type": "error", "error": {"message": "Token is invalid, expired, or not supported"}})

    def not_found(self):
        return Reply(404, {"type": "error", "error": {"message": "Resource not found"}})

    def routes(self):
        return [
            ("GET", r"/2\.0/repositories/shop", self.list),
            ("GET", _CLOUD, self.one),
            ("GET", f"{_CLOUD}/hooks", self.list_hooks),
            ("POST", f"{_CLOUD}/hooks", self.make_hook),
            ("PUT", f"{_CLOUD}/hooks/(.+)", self.change_hook),
            ("DELETE", f"{_CLOUD}/hooks/(.+)", self.delete_hook),
            ("GET", f"{_CLOUD}/deploy-keys", self.list_keys),
            ("POST", f"{_CLOUD}/deploy-keys", self.add_key),
            ("DELETE", f"{_CLOUD}/deploy-keys/([0-9]+)", self.delete_key),
            ("POST", f"{_CLOUD}/commit/([0-9a-f]+)/statuses/build", self.status),
            ("GET", f"{_CLOUD}/pullrequests/([0-9]+)", self.pull),
            ("GET", r"/2\.0/repositories/([^/]+/[^/]+)/commit/([0-9a-f]+)", self.commit),
        ]

    def page(self, rows: list, request: Request) -> Reply:
        self.check(int(request.query["pagelen"]) <= 100, "pagelen")
        size, at = int(request.query["pagelen"]), int(request.query.get("page", 1))
        more = {"next": f"{self.url}{request.path}?page={at + 1}"} if at * size < len(rows) else {}
        return Reply(200, {"size": len(rows), "page": at, "values": page_of(rows, request, "pagelen"), **more})

    def row(self, repo: Repo) -> dict:
        clone = [
            {"name": "https", "href": f"https://ann@bitbucket.org/{repo.name}.git"},
            {"name": "ssh", "href": f"git@bitbucket.org:{repo.name}.git"},
        ]
        return {
            "uuid": repo.id,
            "full_name": repo.name,
            "is_private": repo.private,
            "mainbranch": {"name": "trunk"},
            "links": {"html": {"href": f"https://bitbucket.org/{repo.name}"}, "clone": clone},
        }

    def list(self, request):
        wanted = re.fullmatch(r'full_name ~ "([^"\\]*)"', request.query.get("q", 'full_name ~ ""'))
        self.check(wanted, f"q is {request.query.get('q')}")
        found = [repo for repo in self.repositories if wanted[1].lower() in repo.name.lower()]
        return self.page([self.row(repo) for repo in found], request)

    def one(self, request, name):
        repo = self.by_id(name.partition("/")[2]) or self.named(name)
        return Reply(200, self.row(repo)) if repo else None

    def list_hooks(self, request, name):
        shown = [{**hook, "secret": None} for hook in self.hooks.values() if hook["repository"] == name]
        return self.page(shown, request)

    def checked_hook(self, body, name):
        text_of(body, "url", 2000)
        text_of(body, "secret", 128)
        text_of(body, "description", 255)
        self.check(body.get("active") is True, "active")
        self.check(set(body.get("events", [])) == _CLOUD_EVENTS, "events")
        return {**body, "repository": name, "type": "webhook_subscription"}

    def make_hook(self, request, name):
        hook = {**self.checked_hook(request.json, name), "uuid": f"{{{self.new_id()}}}"}
        self.hooks[hook["uuid"]] = hook
        return Reply(201, hook)

    def change_hook(self, request, name, uuid):
        if uuid not in self.hooks:
            return None
        self.hooks[uuid] = {**self.checked_hook(request.json, name), "uuid": uuid}
        return Reply(200, self.hooks[uuid])

    def delete_hook(self, request, name, uuid):
        return Reply(204) if self.hooks.pop(uuid, None) else None

    def list_keys(self, request, name):
        return self.page([key for key in self.keys.values() if key["repository"] == name], request)

    def add_key(self, request, name):
        text_of(request.json, "label", 255)
        text = text_of(request.json, "key", 5000)
        self.check(
            text not in [key["key"] for key in self.keys.values()], "Someone has already registered that access key"
        )
        key = {"id": int(self.new_id()), "key": text, "repository": name}
        self.keys[str(key["id"])] = key
        return Reply(200, key)

    def delete_key(self, request, name, key_id):
        return Reply(204) if self.keys.pop(key_id, None) else None

    def status(self, request, name, commit):
        repo = self.named(name)
        if not repo or commit not in repo.commits:
            return None
        self.check(request.json.get("state") in {"SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"}, "state")
        text_of(request.json, "key", 40)
        told = {"commit": commit, "word": request.json["state"], "context": text_of(request.json, "name", 255)}
        told |= {"description": text_of(request.json, "description", 255), "url": text_of(request.json, "url", 2000)}
        self.statuses.append({**told, "key": request.json["key"], "repository": name})
        return Reply(201, {"type": "build", **request.json})

    def pull(self, request, name, number):
        head = {"7": {"full_name": "fork/api"}, "8": {"full_name": name}, "9": None}[number]
        source = {"commit": {"hash": "e" * 12}, "repository": head, "branch": {"name": "topic"}}
        state = "DECLINED" if number == "9" else "OPEN"
        there = {"repository": {"full_name": name}}
        return Reply(
            200, {"id": 7, "state": state, "author": {"nickname": "eve"}, "source": source, "destination": there}
        )

    def commit(self, request, name, commit):
        return Reply(200, {"hash": "e" * 40}) if commit == "e" * 12 else None


class BitbucketServerStandIn(StandIn):
    """With an HTTP access token."""

    provider = "bitbucket_server"
    refused = 400

    def __init__(self) -> None:
        super().__init__()
        self.repositories = [Repo("101", "SHOP/api"), Repo("102", "SHOP/web", private=False)]

    def check_caller(self, request: Request) -> Reply | None:
        if request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        said = {"context": None, "message": "Authentication failed. Please check your credentials and try again."}
        return Reply(401, {"errors": [said]})

    def not_found(self):
        return Reply(404, {"errors": [{"message": "Repository SHOP/x does not exist."}]})

    def routes(self):
        return [
            ("GET", r"/rest/api/1\.0/repos", self.list),
            ("GET", _SERVER, self.one),
            ("GET", f"{_SERVER}/default-branch", lambda request, key, slug: Reply(200, {"displayId": "trunk"})),
            ("GET", f"{_SERVER}/webhooks", self.list_hooks),
            ("POST", f"{_SERVER}/webhooks", self.make_hook),
            ("PUT", f"{_SERVER}/webhooks/([0-9]+)", self.change_hook),
            ("DELETE", f"{_SERVER}/webhooks/([0-9]+)", self.delete_hook),
            ("GET", _SERVER_KEYS, self.list_keys),
            ("POST", _SERVER_KEYS, self.add_key),
            ("DELETE", f"{_SERVER_KEYS}/([0-9]+)", self.delete_key),
            ("POST", r"/rest/build-status/1\.0/commits/([0-9a-f]+)", self.status),
            ("GET", f"{_SERVER}/pull-requests/([0-9]+)", self.pull),
        ]

    def page(self, rows: list, request: Request, headers: dict | None = None) -> Reply:
        start, limit = int(request.query.get("start", 0)), int(request.query["limit"])
        is_last = start + limit >= len(rows)
        body = {"values": rows[start : start + limit], "isLastPage": is_last, "start": start}
        return Reply(200, {**body, "nextPageStart": None if is_last else start + limit}, headers or {})

    def row(self, repo: Repo) -> dict:
        key, _, slug = repo.name.partition("/")
        clone = [
            {"name": "http", "href": f"https://stash.example.com/scm/{key}/{slug}.git"},
            {"name": "ssh", "href": f"ssh://git@stash.example.com:7999/{key}/{slug}.git"},
        ]
        links = {"clone": clone, "self": [{"href": f"https://stash.example.com/projects/{key}/repos/{slug}/browse"}]}
        return {"id": int(repo.id), "slug": slug, "project": {"key": key}, "public": not repo.private, "links": links}

    def list(self, request):
        wanted = request.query.get("name", "").lower()
        found = [self.row(repo) for repo in self.repositories if repo.admin and wanted in repo.name.lower()]
        return self.page(found, request, {"X-AUSERNAME": self.account})

    def one(self, request, key, slug):
        repo = self.named(f"{key}/{slug}")
        return Reply(200, self.row(repo)) if repo else None

    def list_hooks(self, request, key, slug):
        shown = [{**hook, "configuration": {}} for hook in self.hooks.values() if hook["repository"] == f"{key}/{slug}"]
        return self.page(shown, request)

    def checked_hook(self, body, key, slug):
        text_of(body, "name", 255)
        text_of(body, "url", 2000)
        text_of(body.get("configuration"), "secret", 255)
        self.check(body.get("active") is True, "active")
        self.check(set(body.get("events", [])) == _SERVER_EVENTS, "events")
        return {**body, "repository": f"{key}/{slug}", "secret": body["configuration"]["secret"]}

    def make_hook(self, request, key, slug):
        self.check(request.headers.get("X-Atlassian-Token") == "no-check", "XSRF check failed")
        hook = {**self.checked_hook(request.json, key, slug), "id": int(self.new_id())}
        self.hooks[str(hook["id"])] = hook
        return Reply(201, hook)

    def change_hook(self, request, key, slug, hook_id):
        if hook_id not in self.hooks:
            return None
        self.hooks[hook_id] = {**self.checked_hook(request.json, key, slug), "id": int(hook_id)}
        return Reply(200, self.hooks[hook_id])

    def delete_hook(self, request, key, slug, hook_id):
        return Reply(204) if self.hooks.pop(hook_id, None) else None

    def list_keys(self, request, key, slug):
        return self.page([one for one in self.keys.values() if one["repository"] == f"{key}/{slug}"], request)

    def add_key(self, request, key, slug):
        inner = request.json.get("key")
        text_of(inner, "label", 255)
        text = text_of(inner, "text", 5000)
        self.check(request.json.get("permission") == "REPO_READ", "permission")
        used = [one["key"]["text"] for one in self.keys.values()]
        self.check(text not in used, "The access key is already in use")
        made = {
            "key": {"id": int(self.new_id()), "text": text},
            "permission": "REPO_READ",
            "repository": f"{key}/{slug}",
        }
        self.keys[str(made["key"]["id"])] = made
        return Reply(201, made)

    def delete_key(self, request, key, slug, key_id):
        return Reply(204) if self.keys.pop(key_id, None) else None

    def status(self, request, commit):
        known = [repo.name for repo in self.repositories if commit in repo.commits]
        self.check(known, f"no commit {commit}")
        self.check(request.json.get("state") in {"SUCCESSFUL", "FAILED", "INPROGRESS"}, "state")
        told = {"commit": commit, "word": request.json["state"], "context": text_of(request.json, "key", 255)}
        told |= {"description": text_of(request.json, "description", 255), "url": text_of(request.json, "url", 450)}
        text_of(request.json, "name", 255)
        self.statuses.append({**told, "repository": known[0]})
        return Reply(204)

    def pull(self, request, key, slug, number):
        head = {
            "7": {"slug": "api", "project": {"key": "~eve"}},
            "8": {"slug": slug, "project": {"key": key}},
            "9": {},
        }[number]
        here = {"repository": {"slug": slug, "project": {"key": key}}}
        there = {"latestCommit": "e" * 40, "repository": head}
        state = "DECLINED" if number == "9" else "OPEN"
        return Reply(
            200, {"id": 7, "state": state, "author": {"user": {"name": "eve"}}, "fromRef": there, "toRef": here}
        )
