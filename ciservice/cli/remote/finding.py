"""What a person means: a project by name, uuid or the git remotes of this folder; a build by number or uuid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ciservice.cli.local.server import known_as, remotes
from ciservice.cli.remote.errors import Denied, Misused
from ciservice.cli.remote.http import Api, Json

_MOST = 5000
_PAGE = 50


@dataclass(frozen=True)
class Place:
    """A project at a server: `base` is its path in the API."""

    api: Api
    base: str
    project: Json

    @property
    def name(self) -> str:
        """As people say it."""
        return str(self.project["name"])


def every_project(api: Api) -> Iterator[tuple[Json, Json]]:
    """(organisation, project) of all that one sees."""
    for organization in api.get("/v2/organizations")["organizations"]:
        for project in api.pages(_projects(organization), "projects", _MOST):
            yield organization, project


def project_at(api: Api, word: str, folder: Path | None = None) -> Place:
    """The project that `word` names (uuid, name, or organisation/name); "" = that of the folder's git remotes."""
    if not word:
        return _of_folder(api, folder or Path())
    found = [(of, one) for of, one in every_project(api) if _is_meant(word, of, one)]
    if not found:
        raise Denied(f"{api.url} has no project {word} that you may see. `ciservice projects` lists them.")
    if len(found) > 1:
        names = ", ".join(f"{of['name']}/{one['name']}" for of, one in found)
        raise Misused(f"{word} is not clear: say which, {names}.")
    return _place(api, *found[0])


def build_at(place: Place, word: str) -> Json:
    """A build by its number or uuid; "" = the newest."""
    if word and not word.lstrip("#").isdigit():
        return _by_uuid(place, word)
    number = int(word.lstrip("#")) if word else None
    page = 1
    for _ in range(4):  # builds that come meanwhile push it on
        builds = place.api.get(f"{place.base}/builds", page=page, per_page=_PAGE)["builds"]
        for build in builds:
            if number in {None, build["number"]}:
                return dict(build)
        if not builds or number is None or number > builds[0]["number"]:
            break
        page += (builds[0]["number"] - number) // _PAGE
    raise Denied(f"{place.name} has no build #{number}." if number else f"{place.name} has no build yet.")


def environment_at(place: Place, name: str) -> Json:
    """An environment by its name."""
    environments = place.api.get(f"{place.base}/environments")["environments"]
    for environment in environments:
        if name in {environment["name"], environment["uuid"]}:
            return dict(environment)
    names = ", ".join(environment["name"] for environment in environments) or "none yet"
    raise Denied(f"{place.name} has no environment {name}: there is {names}.")


def _of_folder(api: Api, folder: Path) -> Place:
    here = set(remotes(folder))
    if not here:
        raise Misused("This folder is no checkout with a git remote: name the project.")
    found = [(of, one) for of, one in every_project(api) if known_as(one["repository_url"]) in here]
    if len(found) != 1:
        what = "no project" if not found else f"{len(found)} projects"
        raise Denied(f"{api.url} has {what} with a remote of this checkout: name one.")
    return _place(api, *found[0])


def _by_uuid(place: Place, word: str) -> Json:
    try:
        uuid = UUID(word)
    except ValueError:
        raise Misused(f"{word!r} is no build: give its number or its uuid.") from None
    return dict(place.api.get(f"{place.base}/builds/{uuid}")["build"])


def _is_meant(word: str, organization: Json, project: Json) -> bool:
    name = str(project["name"])
    full = f"{organization['name']}/{name}"
    return word.lower() in {project["uuid"], name.lower(), full.lower(), name.rpartition("/")[2].lower()}


def _projects(organization: Json) -> str:
    return f"/v2/organizations/{organization['uuid']}/projects"


def _place(api: Api, organization: Json, project: Json) -> Place:
    return Place(api, f"{_projects(organization)}/{project['uuid']}", project)
