"""GitHub, or something that checks like it: Enterprise's addresses, for they differ by their beginning only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.builds.providers.standin import Reply, Repo, Request, StandIn, page_of, text_of

_API = "/api/v3"
_REPO = _API + r"/repos/([^/]+/[^/]+)"


class GitHubStandIn(StandIn):
    """With a token; see below for the App."""

    provider = "github"
    scopes = "repo, admin:repo_hook"
    expires = "2027-03-01 12:00:00 UTC"

    def check_caller(self, request: Request) -> Reply | None:
        self.check_accept(request)
        if request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return Reply(401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})

    def check_accept(self, request: Request) -> None:
        if request.headers.get("Accept") != "application/vnd.github+json" or not request.headers.get("User-Agent"):
            self.complaints.append("GitHub wants Accept and User-Agent")

    def routes(self):
        return [
            ("GET", f"{_API}/user", self.user),
            ("GET", f"{_API}/user/repos", self.list),
            ("GET", _REPO, self.one),
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

    def user(self, request):
        told = {"X-OAuth-Scopes": self.scopes, "GitHub-Authentication-Token-Expiration": self.expires}
        return Reply(200, {"login": self.account, "id": 1}, told)

    def row(self, repo: Repo) -> dict:
        return {
            "id": int(repo.id),
            "name": repo.name.partition("/")[2],
            "full_name": repo.name,
            "private": repo.private,
            "html_url": f"https://github.com/{repo.name}",
            "clone_url": f"https://github.com/{repo.name}.git",
            "ssh_url": f"git@github.com:{repo.name}.git",
            "default_branch": "trunk",
            "permissions": {"admin": repo.admin, "push": True, "pull": True},
        }

    def list(self, request):
        return Reply(200, [self.row(repo) for repo in page_of(self.repositories, request, "per_page")])

    def one(self, request, name):
        repo = self.named(name)
        return Reply(200, self.row(repo)) if repo else None

    def one_by_id(self, request, repo_id):
        repo = self.by_id(repo_id)
        return Reply(200, self.row(repo)) if repo else None

    def list_hooks(self, request, name):
        mine = [hook for hook in self.hooks.values() if hook["repository"] == name]
        return Reply(200, page_of(mine, request, "per_page"))

    def checked_hook(self, body, name):
        config = body.get("config", {})
        text_of(config, "url", 2000)
        text_of(config, "secret", 200)
        self.check(config.get("content_type") == "json", "content_type is json or form; ours is json")
        self.check(config.get("insecure_ssl") == "0", "certificates are to be checked")
        self.check(body.get("active") is True, "active")
        self.check({"push", "pull_request", "repository"} == set(body.get("events", [])), "events")
        return {
            "repository": name,
            "active": True,
            "events": body["events"],
            "config": config,
            "secret": config["secret"],
        }

    def make_hook(self, request, name):
        if not self.named(name):
            return None
        self.check(request.json.get("name") == "web", "name must be web")
        hook = self.checked_hook(request.json, name)
        for other in self.hooks.values():
            self.check(other["config"]["url"] != hook["config"]["url"], "Hook already exists on this repository")
        hook["id"] = int(self.new_id())
        self.hooks[str(hook["id"])] = hook
        return Reply(201, hook)

    def change_hook(self, request, name, hook_id):
        if hook_id not in self.hooks:
            return None
        self.hooks[hook_id] = {**self.checked_hook(request.json, name), "id": int(hook_id)}
        return Reply(200, self.hooks[hook_id])

    def delete_hook(self, request, name, hook_id):
        return Reply(204) if self.hooks.pop(hook_id, None) else None

    def list_keys(self, request, name):
        return Reply(
            200, page_of([key for key in self.keys.values() if key["repository"] == name], request, "per_page")
        )

    def add_key(self, request, name):
        text_of(request.json, "title", 255)
        self.check(request.json.get("read_only") is True, "read_only")
        text = " ".join(text_of(request.json, "key", 5000).split()[:2])  # GitHub drops the comment
        self.check(text not in [key["key"] for key in self.keys.values()], "key is already in use")
        key = {"id": int(self.new_id()), "key": text, "read_only": True, "repository": name}
        self.keys[str(key["id"])] = key
        return Reply(201, key)

    def delete_key(self, request, name, key_id):
        return Reply(204) if self.keys.pop(key_id, None) else None

    def status(self, request, name, commit):
        repo = self.named(name)
        if not repo:
            return None
        self.check(commit in repo.commits, f"No commit found for SHA: {commit}")
        self.check(request.json.get("state") in {"error", "failure", "pending", "success"}, "state")
        context, description = text_of(request.json, "context", 255), text_of(request.json, "description", 140)
        url = text_of(request.json, "target_url", 2000)
        told = {
            "commit": commit,
            "word": request.json["state"],
            "context": context,
            "description": description,
            "url": url,
        }
        self.statuses.append({**told, "repository": name})
        return Reply(201, {"id": 1, "state": request.json["state"]})

    def pull(self, request, name, number):
        head = {"7": {"full_name": "fork/api"}, "8": {"full_name": name}, "9": None}[number]
        side = {"sha": "e" * 40, "ref": "topic", "repo": head}
        state = "closed" if number == "9" else "open"
        return Reply(
            200,
            {
                "number": 7,
                "state": state,
                "user": {"login": "eve"},
                "head": side,
                "base": {"repo": {"full_name": name}},
            },
        )


class GitHubAppStandIn(GitHubStandIn):
    """With an App: it checks the signed word, and gives out a token for an hour."""

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    app_id, installation = "4242", "77"

    def __init__(self) -> None:
        super().__init__()
        self.given = 0
        self.lasts = timedelta(hours=1)
        self.permissions = {
            "metadata": "read",
            "statuses": "write",
            "repository_hooks": "write",
            "administration": "write",
            "pull_requests": "read",
        }

    def check_caller(self, request: Request) -> Reply | None:
        if not request.path.startswith(f"{_API}/app"):
            return super().check_caller(request)
        self.check_accept(request)
        word = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                word, self.key.public_key(), algorithms=["RS256"], options={"require": ["iat", "exp", "iss"]}
            )
        except jwt.PyJWTError as error:
            return Reply(401, {"message": f"A JSON web token could not be decoded: {error}"})
        if claims["exp"] - datetime.now(UTC).timestamp() > 600 or claims["iss"] != self.app_id:
            return Reply(401, {"message": "'Expiration time' claim ('exp') is too far in the future"})
        return None

    def routes(self):
        return [
            ("POST", f"{_API}/app/installations/([0-9]+)/access_tokens", self.give),
            ("GET", f"{_API}/app/installations/([0-9]+)", self.installed),
            ("GET", f"{_API}/installation/repositories", self.list_installed),
            *super().routes(),
        ]

    def give(self, request, installation):
        if installation != self.installation:
            return None
        self.given += 1
        self.token = f"ghs_{self.given}_5f4e3d2c1b"
        return Reply(201, {"token": self.token, "expires_at": f"{datetime.now(UTC) + self.lasts:%Y-%m-%dT%H:%M:%SZ}"})

    def installed(self, request, installation):
        if installation != self.installation:
            return None
        account = {"login": self.account, "type": "Organization"}
        return Reply(200, {"id": 77, "account": account, "permissions": self.permissions, "suspended_at": None})

    def list_installed(self, request):
        found = [self.row(repo) for repo in page_of(self.repositories, request, "per_page")]
        return Reply(200, {"total_count": len(self.repositories), "repositories": found})
