"""Removes the folders of jobs, whoever owns what is in them."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from runners.errors import EngineError
from runners.executors.docker import labels
from runners.executors.docker.containers import launch
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.hardening import Bind, host_config
from runners.executors.docker.job import Tools

logger = logging.getLogger(__name__)

HELPER_SECONDS = 120


def remove_folder(tools: Tools, folder: Path, images: tuple[str, ...] = ()) -> None:
    """Remove it with all that is in it. What belongs to others is removed by root in a container of one of `images`."""
    if not folder.exists():
        return
    shutil.rmtree(folder, onerror=_make_writable)
    if not folder.exists():
        return
    for image in dict.fromkeys((tools.settings.default_image, *images)):
        if image and tools.engine.image(image) and _empty(tools, folder, image):
            break
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise EngineError(f"{folder} could not be removed: it holds files of another user")


def _make_writable(function: Callable[[str], object], path: str, _error: object) -> None:
    """A folder of ours that nobody may write to keeps its files until it may be written to."""
    with contextlib.suppress(OSError):
        parent = os.path.dirname(path)
        for one in (parent, path):
            if stat.S_ISDIR(os.lstat(one).st_mode):
                os.chmod(one, 0o700)
        if function in (os.rmdir, os.unlink):
            function(path)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _empty(tools: Tools, folder: Path, image: str) -> bool:
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
        return engine.ended(running.id, HELPER_SECONDS).exit_code == 0
    except Refused as refusal:
        logger.warning("the helper that removes folder=%s did not start: %s", folder, refusal)
        return False
    finally:
        engine.remove(name)
