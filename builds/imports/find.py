"""The door of the package: files of other systems in, a ciservice.yml out."""

from __future__ import annotations

from collections.abc import Mapping

from builds.imports import circleci, github, gitlab
from builds.imports.notes import Imported

SYSTEMS = ("github", "gitlab", "circleci")


def found_systems(paths: list[str]) -> list[str]:
    """Which of SYSTEMS these paths of a repository belong to."""
    has = {
        "github": any(_is_workflow(path) for path in paths),
        "gitlab": gitlab.FILE in paths,
        "circleci": circleci.FILE in paths,
    }
    return [system for system in SYSTEMS if has[system]]


def import_files(system: str, files: Mapping[str, str]) -> Imported:
    """What the system's files among these (path: text) come to. Raises ConfigError for what is not YAML, KeyError where there are none."""
    if system == "github":
        workflows = {path: text for path, text in files.items() if _is_workflow(path)}
        if not workflows:
            raise KeyError(github.FOLDER)
        return github.import_github(workflows)
    if system == "gitlab":
        return gitlab.import_gitlab(files[gitlab.FILE])
    return circleci.import_circleci(files[circleci.FILE])


def _is_workflow(path: str) -> bool:
    return path.startswith(github.FOLDER) and path.endswith((".yml", ".yaml")) and path.count("/") == 2
