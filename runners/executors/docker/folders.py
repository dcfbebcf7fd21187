"""Removes the folders of jobs, whoever owns what is in them."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from runners.errors import EngineError
from runners.executors.docker import labels
from runners.executors.docker.containers import launch
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.hardening import Bind, host_config
from runners.executors.docker.job import Tools
from runners.trees import remove_tree

logger = logging.getLogger(__name__)

HELPER_SECONDS = 120


def remove_folder(tools: Tools, folder: Path) -> None:
    """Remove it with all that is in it. What belongs to others is removed by root in a container of the default image."""
    if remove_tree(folder):
        return
    image = tools.settings.default_image
    if image and tools.engine.image(image):
        _empty(tools, folder, image)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise EngineError(f"{folder} could not be removed: it holds files of another user")


def _empty(tools: Tools, folder: Path, image: str) -> None:
    host = host_config(tools.settings, "none", (Bind(source=os.path.realpath(folder), target="/folder"),))
    config = {
        "Image": image,
        "Entrypoint": ["/bin/sh", "-c", "cd /folder && rm -rf ./* ./.[!.]* ./..?*"],
        "Cmd": [],
        "User": "0",
        "Labels": labels.short_lived(tools.instance, HELPER_SECONDS),
        "HostConfig": host,
    }
    name = f"ci-remove-{folder.name}"
    engine: Engine = tools.engine
    try:
        running = launch(engine, name, config)
        running.attachment.close()
        engine.ended(running.id, HELPER_SECONDS)
    except Refused as refusal:
        logger.warning("the helper that removes folder=%s did not start: %s", folder, refusal)
    finally:
        engine.remove(name)
