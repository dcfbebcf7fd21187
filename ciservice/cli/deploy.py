"""`ciservice deploy` and `ciservice rollback`: bring a release to an environment, and back."""

from __future__ import annotations

import sys
import time

import click

from ciservice.cli.local.errors import INTERRUPTED
from ciservice.cli.remote.errors import FAILED, PASSED, WAITS, Denied, Misused
from ciservice.cli.remote.finding import Place, environment_at, project_at
from ciservice.cli.remote.flags import Command, api_of, instance_flag, json_flag
from ciservice.cli.remote.http import Json
from ciservice.cli.remote.tables import show_json

_LOOK_SECONDS = 2.0
_OVER = {"live": PASSED, "waiting": WAITS, "held": WAITS, "unknown": WAITS}
_UNDER_WAY = {"requested", "rolling_out", "verifying", "rolling_back"}
_WORDS = click.argument("words", nargs=-1, required=True, metavar="[PROJECT] ENVIRONMENT [RELEASE]")
_FOLLOW = click.option("-f", "--follow", is_flag=True, help="Wait until it is live, or is not going to be.")


@click.command(cls=Command)
@_WORDS
@click.option("--reason", default="", help="For the record.")
@_FOLLOW
@instance_flag
@json_flag
def deploy(words: tuple[str, ...], reason: str, instance: str, *, follow: bool, as_json: bool) -> None:
    """Deploy RELEASE (a number; else the newest) to ENVIRONMENT. It goes when nothing holds it.

    With --follow: exit code 0: live. 1: failed, or taken back. 5: it waits for a person, or for its window.
    """
    project, environment, release = _meant(words)
    place = project_at(api_of(instance), project)
    into = environment_at(place, environment)
    body = {"release": release or _newest(place), "reason": reason}
    made = place.api.post(f"{place.base}/environments/{into['uuid']}/deploy", body)["deployment"]
    sys.exit(_tell(place, made, follow=follow, as_json=as_json))


@click.command(cls=Command)
@_WORDS
@click.option("--reason", required=True, help="Why: it stands in the environment's history.")
@click.option("--override", default="", help="Why all the same, where what cannot be taken back lies between.")
@_FOLLOW
@instance_flag
@json_flag
def rollback(words: tuple[str, ...], reason: str, override: str, instance: str, *, follow: bool, as_json: bool) -> None:
    """Bring RELEASE back to ENVIRONMENT, by default the one that was live before. Exit codes as `deploy` has them."""
    project, environment, release = _meant(words)
    place = project_at(api_of(instance), project)
    into = environment_at(place, environment)
    body = {"release": release or _before(place, into), "reason": reason, "override": override}
    made = place.api.post(f"{place.base}/environments/{into['uuid']}/rollback", body)["deployment"]
    sys.exit(_tell(place, made, follow=follow, as_json=as_json))


def _meant(words: tuple[str, ...]) -> tuple[str, str, int]:
    """(project, environment, release); "" and 0 where they are not given."""
    if len(words) > 3:
        raise Misused("Too many words: [PROJECT] ENVIRONMENT [RELEASE].")
    *names, last = words
    number = last.lstrip("#v")
    if names and number.isdigit():
        return ("", names[0], int(number)) if len(names) == 1 else (names[0], names[1], int(number))
    if len(words) == 3:
        raise Misused(f"{last!r} is no release: give its number.")
    return (names[0], last, 0) if names else ("", last, 0)


def _newest(place: Place) -> int:
    for release in place.api.get(f"{place.base}/releases", per_page=1)["releases"]:
        return int(release["number"])
    raise Denied(f"{place.name} has no release yet: a build that passes makes one.")


def _before(place: Place, environment: Json) -> int:
    """The release that was live there before the one that is."""
    now: int | None = None
    for deployment in place.api.pages(f"{place.base}/deployments", "deployments", 500):
        if deployment["environment_uuid"] != environment["uuid"] or not deployment["live_at"]:
            continue
        if now is None:
            now = deployment["release"]
        elif deployment["release"] != now:
            return int(deployment["release"])
    raise Denied(f"Nothing else was live in {environment['name']} before: name a release.")


def _tell(place: Place, made: Json, *, follow: bool, as_json: bool) -> int:
    code = PASSED
    if follow:
        try:
            made = _to_the_end(place, made, quiet=as_json)
            code = _OVER.get(made["state"], FAILED)
        except KeyboardInterrupt:
            click.echo("\nThe deployment goes on; this only stopped looking.", err=True)
            return INTERRUPTED
    if as_json:
        show_json(made)
    else:
        click.echo(_sentence(made))
    return code


def _to_the_end(place: Place, made: Json, *, quiet: bool) -> Json:
    said = ""
    while made["state"] in _UNDER_WAY:
        if made["state"] != said and not quiet:
            said = made["state"]
            click.echo(_sentence(made), err=True)
        time.sleep(_LOOK_SECONDS)
        made = place.api.get(f"{place.base}/deployments/{made['uuid']}")["deployment"]
    return made


def _sentence(made: Json) -> str:
    why = f" ({made['reason']})" if made["reason"] else ""
    state = made["state"].replace("_", " ")
    return f"Release {made['release']} to {made['environment']}: {state}{why}. {made['url']}"
