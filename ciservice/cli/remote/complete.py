"""Names of projects for the shell's completion: asked for quickly or not at all, and remembered for some minutes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ciservice.cli.local.errors import Trouble
from ciservice.cli.remote.credentials import Login, login_of
from ciservice.cli.remote.finding import every_project
from ciservice.cli.remote.http import Api

_SECONDS = 2.0
_FRESH_SECONDS = 300
_MOST = 1000


def complete_project(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Projects whose name begins like that; none where nobody is logged in or the server is slow."""
    try:
        names = _names(login_of(str(ctx.params.get("instance") or "")))
    except (Trouble, OSError, ValueError):
        return []
    return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]


def _names(login: Login) -> list[str]:
    base = (
        os.environ.get("CISERVICE_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ciservice"
    )
    who = hashlib.sha256(f"{login.url} {login.token}".encode()).hexdigest()[:16]
    file = Path(base) / f"projects-{who}.json"
    try:
        if time.time() - file.stat().st_mtime < _FRESH_SECONDS:
            return [str(name) for name in json.loads(file.read_text())]
    except (OSError, ValueError):
        pass
    names = [str(project["name"]) for _, project in every_project(Api(login.url, login.token, seconds=_SECONDS))][
        :_MOST
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(names))
    return names
