"""Releases as Heroku counts them (v41, v42): which is live, of which build of ours, and back to one."""

from __future__ import annotations

import re
from typing import Any

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.heroku.api import Api
from runners.targets.heroku.sources import release_of
from runners.targets.waiting import Patience

_NEWEST = "version ..; max=200, order=desc"
_ROLLBACK = re.compile(r"Rollback to v([0-9]+)")


def latest_releases(api: Api, app: str) -> list[dict[str, Any]]:
    """The newest first."""
    found: list[dict[str, Any]] = api.get(f"{app}/releases", order=_NEWEST)
    return found


def live(releases: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The one that runs: `current` as Heroku says, or the newest that succeeded."""
    current = (one for one in releases if one.get("current"))
    succeeded = (one for one in releases if one.get("status", "succeeded") == "succeeded")
    return next(current, None) or next(succeeded, None)


def build_of(
    release: dict[str, Any], releases: list[dict[str, Any]], builds: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The build that a release runs: by its slug, as itself, or as the one that it went back to."""
    slug = _id(release, "slug")
    for build in builds:
        if _id(build, "release") == release["id"] or (slug and _id(build, "slug") == slug):
            return build
    back = _ROLLBACK.match(str(release.get("description") or ""))
    before = next((one for one in releases if back and one["version"] == int(back[1])), None)
    # Only ever back: a loop of descriptions ends.
    older = before is not None and before["version"] < release["version"]
    return build_of(before, releases, builds) if before is not None and older else None


def running_releases(
    releases: list[dict[str, Any]], builds: list[dict[str, Any]], delivery: Delivery
) -> frozenset[str]:
    """Numbers of ours for what is live."""
    now = live(releases)
    build = build_of(now, releases, builds) if now else None
    return release_of(build, delivery) if build else frozenset()


def waiting_release(build: dict[str, Any], releases: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The release that a build ended in, while its release phase lasts."""
    made = (one for one in releases if one["id"] == _id(build, "release"))
    return next((one for one in made if one.get("status") == "pending"), None)


def switch(
    api: Api, app: str, build: dict[str, Any], releases: list[dict[str, Any]], delivery: Delivery, tell: Tell
) -> dict[str, Any]:
    """A new release of Heroku's that runs a build that is there: for a rollback with the config vars of then, as its own."""
    slug = _id(build, "slug")
    if slug and not delivery.is_rollback:
        description = f"Release {delivery.release} of {delivery.commit[:12]}"
        made: dict[str, Any] = api.post(f"{app}/releases", {"slug": slug, "description": description})
        tell(f"made v{made['version']} of the build that is there")
        return made
    then = next((one for one in releases if build_of(one, releases, [build]) and one.get("status") != "failed"), None)
    if then is None:
        raise TargetError(
            f"Heroku does not show its release of release {delivery.release} any more: deploy its commit anew."
        )
    made = api.post(f"{app}/releases", {"release": then["id"]})
    tell(f"went back to v{then['version']}, with its config vars, as v{made['version']}")
    return made


def until_released(api: Api, app: str, identity: str, patience: Patience, tell: Tell) -> None:
    """Wait for the release phase. TargetError where it failed: what ran before runs on."""
    what = "Heroku's release phase did not end"
    patience.afresh()
    while True:
        found = patience.ask(lambda: api.get(f"{app}/releases/{identity}"), what)
        status = found.get("status", "succeeded")
        if status == "succeeded":
            tell(f"v{found['version']} is released")
            return
        if status != "pending":
            raise TargetError(
                f"The release phase of v{found['version']} has {status}: see `heroku releases:output v{found['version']}`."
            )
        patience.wait(what)


def _id(value: dict[str, Any], name: str) -> str:
    return str((value.get(name) or {}).get("id") or "")
