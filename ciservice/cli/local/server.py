"""What a laptop asks a server for: a build by its number, as the HTTP API tells of it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ciservice.cli.local.errors import Trouble

SECONDS = 30
MOST_BYTES = 64 << 20
_PAGE = 50
_MOST_PAGES = 100  # of an organisation's projects
_REMOTE = re.compile(r"(?:\w+://)?(?:[^@/]*@)?(?P<host>[^:/]+)(?::\d+)?[:/]+(?P<path>.+?)(?:\.git)?/?")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server, and who asks."""

    url: str
    token: str

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise Trouble(f"{self.url!r} is no address: give --server https://ci.example.com, or set CISERVICE_URL.")
        if not self.token:
            raise Trouble("There is no token: make one on your account page, and set CISERVICE_TOKEN.")

    def plan_of(self, number: int, project: str, folder: Path) -> dict[str, Any]:
        """What `GET .../plan` says of the build; `project` is a uuid, or "" for that of the checkout's remotes."""
        base = self._project(project) if project else self._project_of(folder)
        build = self._build(base, number)
        return self._get(f"{base}/builds/{build}/plan")

    def _project(self, uuid: str) -> str:
        for base in self._organizations():
            if self._get(f"{base}/projects/{quote(uuid, safe='')}", missing_is_fine=True):
                return f"{base}/projects/{quote(uuid, safe='')}"
        raise Trouble(f"{self.url} has no project {uuid} that this token may see.")

    def _project_of(self, folder: Path) -> str:
        known = set(remotes(folder))
        found = [
            f"{base}/projects/{one['uuid']}"
            for base in self._organizations()
            for one in self._projects(base)
            if known_as(one["repository_url"]) in known
        ]
        if len(found) == 1:
            return found[0]
        what = "no project" if not found else f"{len(found)} projects"
        raise Trouble(f"{self.url} has {what} with a remote of this checkout: name one with --project UUID.")

    def _organizations(self) -> Iterator[str]:
        for one in self._get("/v2/organizations")["organizations"]:
            yield f"/v2/organizations/{one['uuid']}"

    def _projects(self, base: str) -> Iterator[dict[str, Any]]:
        for page in range(1, _MOST_PAGES + 1):
            found = self._get(f"{base}/projects?page={page}&per_page={_PAGE}")
            yield from found["projects"]
            if page * _PAGE >= found["total"]:
                return

    def _build(self, base: str, number: int) -> str:
        """The uuid of the build: numbers have no gaps, the newest comes first."""
        page = 1
        for _ in range(4):  # builds that come meanwhile push it on
            builds = self._get(f"{base}/builds?page={page}&per_page={_PAGE}")["builds"]
            for one in builds:
                if one["number"] == number:
                    return str(one["uuid"])
            if not builds or number > builds[0]["number"]:
                break
            page += (builds[0]["number"] - number) // _PAGE
        raise Trouble(f"The project has no build #{number}.")

    def _get(self, path: str, *, missing_is_fine: bool = False) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        request = Request(self.url.rstrip("/") + path, headers=headers)  # noqa: S310  # http or https: looked at above
        try:
            with build_opener(_NoRedirects).open(request, timeout=SECONDS) as answer:
                found = json.loads(answer.read(MOST_BYTES))
        except HTTPError as error:
            with error:
                if error.code == 404 and missing_is_fine:
                    return {}
                raise Trouble(f"{self.url} answered {error.code}: {_said(error)}") from None
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise Trouble(f"{self.url} cannot be asked: {error}") from None
        if not isinstance(found, dict):
            raise Trouble(f"{self.url} does not answer as ciservice does.")
        return found


class _NoRedirects(HTTPRedirectHandler):
    """The token is for this server alone."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nowhere else."""


def _said(error: HTTPError) -> str:
    """The API's own words, where there are any."""
    if error.code == 401:
        return "the token is wrong or has ended. Make one on your account page."
    try:
        return " ".join(json.loads(error.read(10_000))["errors"])[:500]
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason


def remotes(folder: Path) -> Iterator[str]:
    command = ["git", "-C", str(folder), "config", "--get-regexp", r"^remote\..*\.url$"]
    try:
        text = subprocess.run(command, capture_output=True, timeout=10, check=False, text=True, errors="replace").stdout
    except (OSError, subprocess.TimeoutExpired):
        return
    for line in text.splitlines():
        yield known_as(line.partition(" ")[2])


def known_as(url: str) -> str:
    """The same for the same repository by https, ssh, or scp's way: "github.com/owner/name"."""
    url = url.strip()
    found = None if url.startswith("/") else _REMOTE.fullmatch(url)
    return f"{found['host']}/{found['path']}".lower() if found else url.removesuffix("/").removesuffix(".git")
