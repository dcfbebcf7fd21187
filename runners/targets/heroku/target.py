"""A release built by Heroku from its sources, released, its command run, its page looked at."""

from __future__ import annotations

from urllib.parse import quote

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.heroku.api import Api
from runners.targets.heroku.one_off import run_command
from runners.targets.heroku.page import until_fine
from runners.targets.heroku.releases import (
    latest_releases,
    live,
    running_releases,
    switch,
    until_released,
    waiting_release,
)
from runners.targets.heroku.settings import Settings
from runners.targets.heroku.sources import find_build, follow_build, latest_builds, start_build
from runners.targets.marks import whole_only
from runners.targets.waiting import Patience

_INSTEAD = "Give the canary an app and an environment of its own, such as one of the same Heroku pipeline."


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Build it, unless it is built; release it, unless it is live; then the command and the page."""
    whole_only(delivery, "Heroku", _INSTEAD)
    api, app, patience = _api(settings, delivery), _app(settings), Patience(settings.within, tell)
    if settings.force:
        tell("`force` is not needed: a build from sources takes the place of whatever is there")
    _release(api, app, settings.folder, delivery, patience, tell)
    if settings.post_deploy and delivery.is_rollback:
        tell("`post_deploy` is not run on the way back")
    elif settings.post_deploy:
        run_command(api, app, settings.post_deploy, delivery, patience, tell)
    if page := _page(api, app, settings):
        until_fine(page, patience, tell)


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
    """What the app's live release was built of."""
    api, app = _api(settings, delivery), _app(settings)
    releases = latest_releases(api, app)
    now = live(releases)
    tell(
        f"{settings.name} runs v{now['version']}: {now.get('description', '')}"
        if now
        else f"{settings.name} runs nothing"
    )
    return running_releases(releases, latest_builds(api, app), delivery)


def _release(api: Api, app: str, folder: str, delivery: Delivery, patience: Patience, tell: Tell) -> None:
    builds, releases = latest_builds(api, app), latest_releases(api, app)
    if running_releases(releases, builds, delivery) == {delivery.release}:
        tell(f"release {delivery.release} runs there already")
        return
    build = find_build(builds, delivery)
    if build and (waiting := waiting_release(build, releases)):
        tell(f"v{waiting['version']} is on its way already")
        released = str(waiting["id"])
    elif build and build["status"] == "succeeded":
        tell(f"release {delivery.release} is built already")
        released = str(switch(api, app, build, releases, delivery, tell)["id"])
    else:
        build = follow_build(api, app, build or start_build(api, app, folder, delivery, tell), patience, tell)
        released = str((build.get("release") or {}).get("id") or "")
    if released:
        until_released(api, app, released, patience, tell)


def _page(api: Api, app: str, settings: Settings) -> str:
    """Which page is looked at; "" = none."""
    if settings.check_url in (False, "", "false"):
        return ""
    if settings.check_url in (True, "true"):
        return settings.url or str(api.get(app).get("web_url") or "")
    return str(settings.check_url)


def _app(settings: Settings) -> str:
    return f"/apps/{quote(settings.name, safe='')}"


def _api(settings: Settings, delivery: Delivery) -> Api:
    key = settings.api_key or delivery.values.get("HEROKU_API_KEY", "")
    if not key:
        raise TargetError(
            "There is no secret HEROKU_API_KEY: set it for the project or the environment, or give `api_key`."
        )
    return Api(settings.api_url, key)
