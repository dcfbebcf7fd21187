"""Builds of an app: one of a release's sources, found again by what it was called, told as it goes."""

from __future__ import annotations

import hashlib
import tempfile
from typing import Any

from urllib3.exceptions import HTTPError

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.files import gather, write_tar
from runners.targets.heroku.api import READ_SECONDS, Api
from runners.targets.heroku.lines import Lines
from runners.targets.marks import mark, marked
from runners.targets.waiting import Patience

EXCLUDED = ("**/.git*",)
_NEWEST = "updated_at ..; max=200, order=desc"


def latest_builds(api: Api, app: str) -> list[dict[str, Any]]:
    """The newest first."""
    found: list[dict[str, Any]] = api.get(f"{app}/builds", order=_NEWEST)
    return found


def release_of(build: dict[str, Any], delivery: Delivery) -> frozenset[str]:
    """Which release of this project it was made of: its number; nothing where it is nobody's of ours."""
    blob = build.get("source_blob") or {}
    described = str(blob.get("version_description") or "")
    if not described and blob.get("version") == delivery.commit:
        return frozenset({delivery.release})
    return marked(described, delivery)


def find_build(builds: list[dict[str, Any]], delivery: Delivery) -> dict[str, Any] | None:
    """This release's, done or under way."""
    fitting = (build for build in builds if delivery.release in release_of(build, delivery))
    return next((build for build in fitting if build.get("status") in {"succeeded", "pending"}), None)


def start_build(api: Api, app: str, folder: str, delivery: Delivery, tell: Tell) -> dict[str, Any]:
    """Send the checkout and have it built."""
    files = gather(delivery.folder, folder, EXCLUDED)
    for path in files.left_out:
        tell(f"left out, a link that leads out of the checkout: {path}")
    with tempfile.TemporaryFile() as packed:
        write_tar(files, packed)
        size = packed.tell()
        packed.seek(0)
        checksum = hashlib.file_digest(packed, "sha256").hexdigest()
        packed.seek(0)
        blob = api.post("/sources", {})["source_blob"]
        tell(f"packed {len(files.files)} files, sending {size / 1e6:.1f} MB")
        api.upload(blob["put_url"], packed, size)
    source = {
        "url": blob["get_url"],
        "checksum": f"SHA256:{checksum}",
        "version": delivery.commit,
        "version_description": mark(delivery),
    }
    build: dict[str, Any] = api.post(f"{app}/builds", {"source_blob": source})
    tell(f"Heroku builds it: {build['id']}")
    return build


def follow_build(api: Api, app: str, build: dict[str, Any], patience: Patience, tell: Tell) -> dict[str, Any]:
    """The build once it has succeeded; its output is told until then."""
    if build.get("status") == "pending" and build.get("output_stream_url"):
        _tell_output(api, build["output_stream_url"], patience, tell)
    what = "Heroku's build did not end"
    patience.afresh()
    while True:
        found: dict[str, Any] = patience.ask(lambda: api.get(f"{app}/builds/{build['id']}"), what)
        if found["status"] == "succeeded":
            return found
        if found["status"] != "pending":
            raise TargetError(f"Heroku's build has {found['status']}: its output tells why.")
        patience.wait(what)


def _tell_output(api: Api, url: str, patience: Patience, tell: Tell) -> None:
    """As long as it comes; how the build ended is asked about afterwards in any case."""
    lines = Lines(tell)
    try:
        with api.opened(url, min(READ_SECONDS, max(patience.left, 1.0))) as answer:
            while answer.status == 200 and patience.left and (chunk := answer.read1(65536)):
                lines.take(chunk)
    except HTTPError:
        tell("the output broke off; the build goes on")
    lines.end()
