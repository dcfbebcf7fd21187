"""What an embedded instance sent: the mail that it wrote to a folder, and what its own catcher took. For a first look."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

KEPT = 50
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Caught:
    """One thing that was sent."""

    at: datetime
    title: str
    text: str


def is_there() -> bool:
    """Whether this instance has a catcher: only what `ciservice up` starts."""
    return settings.MODE == "embedded"


def catcher_url() -> str:
    """The address to type into a rule; whoever does not know it cannot write here."""
    return settings.PUBLIC_URL + reverse("catch", args=[_token()])


def is_ours(token: str) -> bool:
    """Whether it is the catcher's."""
    return constant_time_compare(token, _token())


def catch(body: bytes, kind: str) -> None:
    """Keep what came; of all that did the last KEPT."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = datetime.now(UTC)
    kept = {"at": now.isoformat(), "kind": kind[:100], "body": body[:MOST_BYTES].decode(errors="replace")}
    (folder / f"{now:%Y%m%d%H%M%S%f}-{uuid.uuid4().hex[:8]}.json").write_text(json.dumps(kept))
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)


def caught() -> list[Caught]:
    """What the catcher took, the newest first."""
    found = []
    for path in sorted(_folder().glob("*.json"), reverse=True)[:KEPT]:
        with contextlib.suppress(OSError, ValueError, KeyError):
            kept = json.loads(path.read_text())
            found.append(Caught(datetime.fromisoformat(kept["at"]), kept["kind"], _pretty(kept["body"])))
    return found


def mails() -> list[Caught]:
    """The mail that was written to the folder, the newest first; none where a mail server takes it."""
    if settings.EMAIL_HOST:
        return []
    folder = Path(settings.EMAIL_FILE_PATH)
    newest = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)[:KEPT]
    return [mail for path in newest for mail in _mails_in(path)][:KEPT]


def _mails_in(path: Path) -> Iterator[Caught]:
    with contextlib.suppress(OSError):
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        with path.open("rb") as file:
            texts = file.read(1024 * 1024).split(b"\n" + b"-" * 79 + b"\n")
        for text in reversed([each for each in texts if each.strip()]):
            message = email.message_from_bytes(text, policy=email.policy.default)
            part = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
            yield Caught(at, f"{message['To']}: {message['Subject']}", part.get_content() if part else "")


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def _token() -> str:
    return salted_hmac("notifications.catcher", "", algorithm="sha256").hexdigest()[:40]


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "caught"
