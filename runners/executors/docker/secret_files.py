"""A job's secret files in a container: put there before it starts, for the user whose processes run in it.

They are part of that one container, not of a folder of the host or of an image, and go when it is removed.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from runners.errors import SpecError
from runners.executors.docker.engine import Engine, Refused

FOLDER = "/run/ciservice"  # as steps see it
_MOST_PASSWD = 1024 * 1024


def put_files(engine: Engine, container: str, files: Mapping[str, str], user: str) -> None:
    """Put them into a container that was created and not started; `user` as images say it: "", "app", "1000:1000"."""
    if files:
        owner, group = _numbers(engine, container, user)
        engine.put(container, "/", _archive(files, owner, group))


def _numbers(engine: Engine, container: str, user: str) -> tuple[int, int]:
    name, _, group = user.partition(":")
    found = (int(name), 0) if name.isdecimal() else _in_passwd(engine, container, name)
    return (found[0], int(group)) if group.isdecimal() else found


def _in_passwd(engine: Engine, container: str, name: str) -> tuple[int, int]:
    if name in {"", "root"}:
        return 0, 0
    try:
        text = engine.read(container, "/etc/passwd")[:_MOST_PASSWD].decode(errors="replace")
    except Refused:
        text = ""
    for line in text.splitlines():
        words = line.split(":")
        if len(words) > 3 and words[0] == name and words[2].isdecimal() and words[3].isdecimal():
            return int(words[2]), int(words[3])
    raise SpecError(f"The image's user {name!r} is not in its /etc/passwd: secret files would be nobody's.")


def _archive(files: Mapping[str, str], owner: int, group: int) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for folder, mode in (("run", 0o755), (FOLDER.lstrip("/"), 0o700)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            if folder != "run":
                entry.uid, entry.gid = owner, group
            tar.addfile(entry)
        for name, text in files.items():
            content = text.encode(errors="surrogateescape")
            entry = tarfile.TarInfo(f"{FOLDER.lstrip('/')}/{name}")
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o600, owner, group
            tar.addfile(entry, io.BytesIO(content))
    return memory.getvalue()
