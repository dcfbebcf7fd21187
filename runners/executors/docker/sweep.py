"""Removes what attempts and processes left behind that are not live any more: containers, networks, volumes, folders."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from runners.contract import attempt_of
from runners.errors import EngineError
from runners.executors.docker import labels
from runners.executors.docker.folders import remove_folder
from runners.executors.docker.images import KEPT
from runners.executors.docker.job import Tools
from runners.executors.docker.owner import Owner, forget_dead, lives

logger = logging.getLogger(__name__)

KEPT_IMAGE_SECONDS = 3 * 24 * 3600  # built images are kept for their layers; the engine says when they were made

IsLive = Callable[[str, int], bool]


class Sweep:
    """One round over one engine."""

    def __init__(self, tools: Tools, owner: Owner, leases: Path, folders: Iterable[Path], is_live: IsLive) -> None:
        self._tools, self._owner, self._leases, self._folders = tools, owner, leases, folders
        self._is_live = is_live

    def run(self) -> int:
        """Remove what can be removed, and say how many objects went. EngineError where the engine does not answer."""
        engine, mine = self._tools.engine, labels.of_instance(self._tools.instance)
        # In this order: what a container uses cannot be removed before it.
        gone = self._remove(engine.containers(mine), "Id", engine.remove)
        gone += self._remove(engine.networks(mine), "Id", engine.remove_network)
        gone += self._remove(engine.volumes(mine), "Name", engine.remove_volume)
        gone += sum(self._remove_folders(root) for root in self._folders)
        self._forget_images(mine)
        forget_dead(self._leases)
        return gone

    def _remove(self, found: list[dict[str, Any]], key: str, remove: Callable[[str], None]) -> int:
        gone = 0
        for one in found:
            if self._is_left_over(one.get("Labels") or {}, _name(one)):
                try:
                    remove(one[key])
                    gone += 1
                except EngineError as error:
                    logger.warning("sweep could not remove name=%s: %s", _name(one), error)
        return gone

    def _is_left_over(self, its_labels: Mapping[str, str], name: str) -> bool:
        attempt = labels.attempt(its_labels)
        if attempt is not None:
            return not self._is_live(*attempt)
        owner = its_labels.get(labels.OWNER)
        if owner is None:
            return labels.is_overdue(its_labels)
        if owner == self._owner.name:
            return not self._tools.rooms.keeps(name)
        return not lives(self._leases, owner)

    def _remove_folders(self, root: Path) -> int:
        gone = 0
        for folder in list(root.iterdir()) if root.is_dir() else []:
            attempt = attempt_of(folder.name)
            if attempt is None or self._is_live(*attempt):
                continue
            try:
                remove_folder(self._tools, folder)
                gone += 1
            except (EngineError, OSError) as error:
                logger.warning("sweep could not remove folder=%s: %s", folder, error)
        return gone

    def _forget_images(self, mine: str) -> None:
        engine = self._tools.engine
        made = {str(image["Id"]): float(image["Created"]) for image in engine.images(mine)}
        for image, since in (made | engine.named_images(KEPT)).items():
            if time.time() - since > KEPT_IMAGE_SECONDS:
                try:
                    engine.remove_image(image)
                except EngineError as error:
                    logger.warning("sweep could not remove image=%s: %s", image, error)


def _name(one: Mapping[str, Any]) -> str:
    """A container has `Names` with a slash before, a network or volume a `Name`."""
    names = one.get("Names") or [one.get("Name", "")]
    return str(names[0]).removeprefix("/")
