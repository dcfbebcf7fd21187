"""The demo's small image: left to a registry where one can be reached, else made here of a static busybox."""

from __future__ import annotations

import io
import os
import shutil
import socket
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from runners.errors import EngineError
from runners.executors.docker.engine import Engine

NAME = "busybox"
REGISTRY = ("registry-1.docker.io", 443)
REGISTRY_SECONDS = 3
DOWNLOAD_SECONDS = 120
INTERPRETER_SEGMENT = 3  # PT_INTERP: a program that needs a dynamic linker has one

Say = Callable[[str], None]


def ensure(url: str, say: Say) -> str:
    """Have the demo's image on the engine at `url`, or a registry that brings it; "" or what stands in the way."""
    try:
        engine = Engine(url)
        try:
            if engine.image(f"{NAME}:latest") or _registry_answers():
                return ""
            say(f"No registry can be reached: making the image {NAME} here ...")
            with tempfile.TemporaryDirectory() as folder:
                program = _static_busybox(Path(folder))
                if program is None:
                    return "no registry can be reached, and there is no busybox-static to make the demo's image of"
                engine.import_image(_archive(program), NAME, ['CMD ["sh"]', "ENV PATH=/bin"])
            return ""
        finally:
            engine.close()
    except EngineError as error:
        return str(error)


def _registry_answers() -> bool:
    try:
        socket.create_connection(REGISTRY, timeout=REGISTRY_SECONDS).close()
    except OSError:
        return False
    return True


def _static_busybox(folder: Path) -> Path | None:
    """This machine's busybox where it is static, else the one of Debian's package, unpacked into `folder` only."""
    for place in ("/bin/busybox", "/usr/bin/busybox"):
        if os.access(place, os.X_OK) and _is_static(Path(place)):
            return Path(place)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    if os.geteuid() == 0 and not _run(["apt-get", "download", "busybox-static"], folder):
        _run(["apt-get", "update", "-q"], folder)
    if not list(folder.glob("*.deb")):
        _run(["apt-get", "download", "busybox-static"], folder)
    for package in folder.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(folder)], folder)
    return next((path for name in ("bin", "usr/bin") if (path := folder / name / "busybox").is_file()), None)


def _run(command: list[str], folder: Path) -> bool:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=DOWNLOAD_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _is_static(program: Path) -> bool:
    """Whether a 64-bit ELF program runs without a dynamic linker: none of its segments names one."""
    head = program.read_bytes()[:4096]
    if head[:5] != b"\x7fELF\x02":
        return False
    first, size, count = (
        *struct.unpack_from("<Q", head, 32),
        *struct.unpack_from("<H", head, 54),
        *struct.unpack_from("<H", head, 56),
    )
    kinds = {struct.unpack_from("<I", head, int(first) + number * size)[0] for number in range(count)}
    return INTERPRETER_SEGMENT not in kinds


def _archive(program: Path) -> bytes:
    """A root file system of one program under its many names."""
    names = subprocess.run([str(program), "--list"], capture_output=True, text=True, timeout=10).stdout.split()
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for folder in ("bin", "etc", "root", "tmp", "var"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(program.resolve(), "bin/busybox", filter=_owned_by_root)
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        _add_text(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n")
        _add_text(tar, "etc/group", "root:x:0:\nnogroup:x:65534:\n")
    return memory.getvalue()


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755
    return entry


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o644
    tar.addfile(entry, io.BytesIO(text.encode()))
