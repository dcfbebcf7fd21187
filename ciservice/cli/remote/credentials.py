"""Who one is at which server: a file that its owner alone reads, or CISERVICE_URL and CISERVICE_TOKEN."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ciservice.cli.local.errors import Trouble
from ciservice.cli.remote.errors import Denied


@dataclass(frozen=True, kw_only=True)
class Login:
    """A token at a server."""

    url: str
    token: str
    email: str = ""
    token_id: int = 0  # 0 = one that was pasted


@dataclass(frozen=True, kw_only=True)
class Known:
    """All logins, by the names that people gave; the default is used where none is named."""

    logins: dict[str, Login]
    default: str = ""


def place() -> Path:
    """The file."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "ciservice" / "credentials.json"


def login_of(name: str) -> Login:
    """The login called `name`; "" = that of the environment, or else the default. Denied where there is none."""
    url, token = os.environ.get("CISERVICE_URL", ""), os.environ.get("CISERVICE_TOKEN", "")
    if url and token and not name:
        return Login(url=url, token=token)
    known = read()
    if token and not name and known.default:
        return Login(url=known.logins[known.default].url, token=token)
    if url and not name:
        name = next((each for each, login in known.logins.items() if login.url.rstrip("/") == url.rstrip("/")), "?")
    login = known.logins.get(name or known.default)
    if login is None:
        where = f"at {url}" if url else f"as {name!r}" if name else ""
        raise Denied(f"You are not logged in {where}".strip() + ": ciservice login https://ci.example.com")
    return login


def name_for(url: str) -> str:
    """What a server is called where nobody gave it a name: its host."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2]


def read() -> Known:
    """What is known; nothing at first."""
    try:
        found = json.loads(place().read_text())
        logins = {str(name): Login(**login) for name, login in found["logins"].items()}
    except FileNotFoundError:
        return Known(logins={})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Trouble(f"{place()} cannot be read: {error}. Remove it and log in again.") from error
    default = str(found.get("default", ""))
    return Known(logins=logins, default=default if default in logins else next(iter(logins), ""))


def write(known: Known) -> None:
    """Replace the file in one go: its owner alone may ever read it."""
    file = place()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = {"default": known.default, "logins": {name: asdict(login) for name, login in known.logins.items()}}
    descriptor, new = tempfile.mkstemp(dir=file.parent, prefix=".credentials-")  # mode 0600
    with os.fdopen(descriptor, "w") as out:
        json.dump(text, out, indent=2)
    Path(new).replace(file)
