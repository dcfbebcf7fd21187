"""GitLab, or something that checks like it."""

from __future__ import annotations

from tests.builds.providers.standin import Reply, Repo, Request, StandIn, page_of, text_of

_API = "/api/v4"
_ONE = _API + r"/projects/([0-9]+)"
_NEXT = {  # which state may follow which: GitLab's own machine refuses a state that is there already
    "pending": {"running", "success", "failed", "canceled"},
    "running": {"success", "failed", "canceled"},
}


class GitLabStandIn(StandIn):
    """With a personal token."""

    provider = "gitlab"
    refused = 400
    scopes = ["api"]

    def check_caller(self, request: Request) -> Reply | None:
        if request.headers.get("PRIVATE-TOKEN") == self.token:
            return None
        return Reply(401, {"message": "401 Unauthorized"})

    def not_found(self):
        return Reply(404, {"message": "404 Project Not Found"})

    def routes(self):
        return [
            ("GET", f"{_API}/user", lambda request: Reply(200, {"id": 1, "username": self.account})),
            ("GET", f"{_API}/personal_access_tokens/self", self.self_told),
            ("GET", f"{_API}/projects", self.list),
            ("GET", _ONE, self.one),
            ("GET", f"{_ONE}/hooks", self.list_hooks),
            ("POST", f"{_ONE}/hooks", self.make_hook),
            ("PUT", f"{_ONE}/hooks/([0-9]+)", self.change_hook),
            ("DELETE", f"{_ONE}/hooks/([0-9]+)", self.delete_hook),
            ("GET", f"{_ONE}/deploy_keys", self.list_keys),
            ("POST", f"{_ONE}/deploy_keys", self.add_key),
            ("DELETE", f"{_ONE}/deploy_keys/([0-9]+)", self.delete_key),
            ("POST", f"{_ONE}/statuses/([0-9a-f]+)", self.status),
            ("GET", f"{_ONE}/merge_requests/([0-9]+)", self.merge_request),
        ]

    def self_told(self, request):
        return Reply(200, {"id": 5, "scopes": self.scopes, "expires_at": "2027-03-01", "active": True})

    def row(self, repo: Repo) -> dict:
        return {
            "id": int(repo.id),
            "path_with_namespace": repo.name,
            "visibility": "private" if repo.private else "public",
            "web_url": f"https://gitlab.com/{repo.name}",
            "http_url_to_repo": f"https://gitlab.com/{repo.name}.git",
            "ssh_url_to_repo": f"git@gitlab.com:{repo.name}.git",
            "default_branch": "trunk",
        }

    def list(self, request):
        self.check(request.query.get("membership") == "true", "membership")
        self.check(request.query.get("min_access_level") == "40", "min_access_level")
        wanted = request.query.get("search", "").lower()
        found = [repo for repo in self.repositories if repo.admin and wanted in repo.name.lower()]
        return Reply(200, [self.row(repo) for repo in page_of(found, request, "per_page")])

    def one(self, request, repo_id):
        repo = self.by_id(repo_id)
        return Reply(200, self.row(repo)) if repo else None

    def list_hooks(self, request, repo_id):
        mine = [self.shown(hook) for hook in self.hooks.values() if hook["project_id"] == repo_id]
        return Reply(200, page_of(mine, request, "per_page"))

    def shown(self, hook):
        return {name: value for name, value in hook.items() if name not in {"token", "secret"}}

    def checked_hook(self, body, repo_id):
        text_of(body, "url", 2000)
        text_of(body, "token", 200)
        for name in ("push_events", "tag_push_events", "merge_requests_events", "enable_ssl_verification"):
            self.check(body.get(name) is True, name)
        return {**body, "project_id": repo_id, "secret": body["token"]}

    def make_hook(self, request, repo_id):
        hook = {**self.checked_hook(request.json, repo_id), "id": int(self.new_id())}
        self.hooks[str(hook["id"])] = hook
        return Reply(201, self.shown(hook))

    def change_hook(self, request, repo_id, hook_id):
        if hook_id not in self.hooks:
            return None
        self.hooks[hook_id] = {**self.checked_hook(request.json, repo_id), "id": int(hook_id)}
        return Reply(200, self.shown(self.hooks[hook_id]))

    def delete_hook(self, request, repo_id, hook_id):
        return Reply(204) if self.hooks.pop(hook_id, None) else None

    def list_keys(self, request, repo_id):
        return Reply(
            200, page_of([key for key in self.keys.values() if key["project"] == repo_id], request, "per_page")
        )

    def add_key(self, request, repo_id):
        text_of(request.json, "title", 255)
        text = text_of(request.json, "key", 5000)
        self.check(request.json.get("can_push") is False, "can_push")
        self.check(text not in [key["key"] for key in self.keys.values()], "fingerprint_sha256 has already been taken")
        key = {"id": int(self.new_id()), "key": text, "project": repo_id}
        self.keys[str(key["id"])] = key
        return Reply(201, key)

    def delete_key(self, request, repo_id, key_id):
        return Reply(204) if self.keys.pop(key_id, None) else None

    def status(self, request, repo_id, commit):
        repo = self.by_id(repo_id)
        if not repo or commit not in repo.commits:
            return Reply(404, {"message": "404 Commit Not Found"})
        state = request.json.get("state")
        self.check(
            state in {"pending", "running", "success", "failed", "canceled"}, "state does not have a valid value"
        )
        context, description = text_of(request.json, "name", 255), text_of(request.json, "description", 255)
        before = [told for told in self.statuses if (told["commit"], told["context"]) == (commit, context)]
        if before and before[-1]["word"] == state:
            return Reply(
                400,
                {"message": f"Cannot transition status via :run from :{state} (Reason(s): Status cannot transition)"},
            )
        told = {"commit": commit, "word": state, "context": context, "description": description}
        self.statuses.append({**told, "url": text_of(request.json, "target_url", 255), "repository": repo.name})
        return Reply(201, {"id": 1, "status": state})

    def merge_request(self, request, repo_id, number):
        source = {"7": 102, "8": int(repo_id), "9": 999}[number]
        side = {"source_project_id": source, "target_project_id": int(repo_id), "sha": "e" * 40}
        return Reply(
            200, {"iid": 7, "state": "merged" if number == "9" else "opened", "author": {"username": "eve"}, **side}
        )
