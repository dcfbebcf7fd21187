"""Gitea and Forgejo, or something that checks like them."""

from __future__ import annotations

from tests.builds.providers.standin import Reply, Repo, Request, page_of, text_of
from tests.builds.providers.standin_github import GitHubStandIn

_API = "/api/v1"
_REPO = _API + r"/repos/([^/]+/[^/]+)"
_EVENTS = {"push", "create", "delete", "pull_request", "pull_request_sync", "repository"}


class GiteaStandIn(GitHubStandIn):
    """Close to GitHub, and different wherever one does not expect it."""

    provider = "gitea"

    def check_caller(self, request: Request) -> Reply | None:
        if request.headers.get("Authorization") == f"token {self.token}":
            return None
        return Reply(401, {"message": "user does not exist [uid: 0, name: ]", "url": "/api/swagger"})

    def routes(self):
        return [
            ("GET", f"{_API}/user", lambda request: Reply(200, {"id": 1, "login": self.account})),
            ("GET", f"{_API}/user/repos", self.list),
            ("GET", f"{_API}/repos/search", self.search),
            ("GET", f"{_API}/repositories/([0-9]+)", self.one_by_id),
            ("GET", f"{_REPO}/hooks", self.list_hooks),
            ("POST", f"{_REPO}/hooks", self.make_hook),
            ("PATCH", f"{_REPO}/hooks/([0-9]+)", self.change_hook),
            ("DELETE", f"{_REPO}/hooks/([0-9]+)", self.delete_hook),
            ("GET", f"{_REPO}/keys", self.list_keys),
            ("POST", f"{_REPO}/keys", self.add_key),
            ("DELETE", f"{_REPO}/keys/([0-9]+)", self.delete_key),
            ("POST", f"{_REPO}/statuses/([0-9a-f]+)", self.status),
            ("GET", f"{_REPO}/pulls/([0-9]+)", self.pull),
        ]

    def paged(self, items: list, request: Request) -> list:
        self.check(int(request.query["limit"]) <= 50, "limit is 50 at most")
        return page_of(items, request, "limit")

    def list(self, request):
        return Reply(200, [self.row(repo) for repo in self.paged(self.repositories, request)])

    def search(self, request):
        others = [Repo("900", "somebody/api", private=False, admin=False)]
        found = [repo for repo in self.repositories + others if request.query["q"].lower() in repo.name.lower()]
        return Reply(200, {"ok": True, "data": [self.row(repo) for repo in self.paged(found, request)]})

    def list_hooks(self, request, name):
        shown = []
        for hook in self.hooks.values():
            config = {"url": hook["config"]["url"], "content_type": "json"}
            shown += [{**hook, "config": config, "secret": None}] if hook["repository"] == name else []
        return Reply(200, self.paged(shown, request))

    def checked_hook(self, body, name):
        config = body.get("config", {})
        text_of(config, "url", 2000)
        text_of(config, "secret", 200)
        self.check(config.get("content_type") == "json", "content_type")
        self.check(body.get("active") is True, "active: without it a hook sleeps")
        self.check(set(body.get("events", [])) == _EVENTS, "events")
        return {
            "repository": name,
            "active": True,
            "events": body["events"],
            "config": config,
            "secret": config["secret"],
        }

    def make_hook(self, request, name):
        self.check(request.json.get("type") in {"gitea", "forgejo"}, "type")
        hook = {**self.checked_hook(request.json, name), "id": int(self.new_id())}
        self.hooks[str(hook["id"])] = hook
        return Reply(201, hook)

    def list_keys(self, request, name):
        return Reply(200, self.paged([key for key in self.keys.values() if key["repository"] == name], request))

    def status(self, request, name, commit):
        self.check(request.json.get("state") in {"pending", "success", "error", "failure", "warning"}, "state")
        repo = self.named(name)
        if not repo or commit not in repo.commits:
            return None
        description = text_of(request.json, "description", 255)
        told = {"commit": commit, "word": request.json["state"], "context": text_of(request.json, "context", 255)}
        told |= {"description": description, "url": text_of(request.json, "target_url", 2000), "repository": name}
        self.statuses.append(told)
        return Reply(201, {"id": 1, "status": told["word"]})
