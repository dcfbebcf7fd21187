"""Images for tests on machines without a registry, made from Debian's static busybox; and what skips where they lack.

Import the fixtures into a conftest: `from tests.docker_images import docker_image`.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

BUSYBOX = Path(shutil.which("busybox") or "/bin/busybox")
NAME = "ciservice-test-busybox:latest"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
_GROUP = "root:x:0:\nnobody:x:65534:\n"


def connect() -> docker.DockerClient:
    """A client of the engine that the tests use; DockerException where none answers."""
    return docker.DockerClient(base_url=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), version="auto")


def ensure_busybox(client: docker.DockerClient, name: str = NAME) -> str:
    """The image's name; it is made where the engine lacks it. pytest.skip where that cannot be."""
    with locked("images"):
        try:
            client.images.get(name)
        except ImageNotFound:
            if not BUSYBOX.exists():
                pytest.skip("busybox-static is not installed, which the image of the tests is made from")
            repository, _, tag = name.partition(":")
            client.api.import_image_from_data(
                archive(), repository=repository, tag=tag, changes=[f"ENV {PATH}", 'CMD ["sh"]']
            )
    return name


def archive() -> bytes:
    """A file system of busybox alone, as a tar."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for folder in ("bin", "etc", "root", "tmp", "usr", "usr/bin", "var", "var/tmp"):
            _add(tar, folder, tarfile.DIRTYPE, mode=0o1777 if folder.endswith("tmp") else 0o755)
        _add(tar, "bin/busybox", tarfile.REGTYPE, BUSYBOX.read_bytes(), mode=0o755)
        for applet in _applets():
            if applet != "busybox":
                _add(tar, f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        _add(tar, "usr/bin/env", tarfile.SYMTYPE, link="/bin/busybox")
        _add(tar, "etc/passwd", tarfile.REGTYPE, _PASSWD.encode())
        _add(tar, "etc/group", tarfile.REGTYPE, _GROUP.encode())
    return memory.getvalue()


def _applets() -> list[str]:
    return subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()


def _add(tar: tarfile.TarFile, name: str, kind: bytes, content: bytes = b"", *, mode: int = 0o644, link: str = ""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(content)
    tar.addfile(entry, io.BytesIO(content))


@contextmanager
def locked(name: str):
    """One process of the machine at a time: xdist's workers all want to make the same image."""
    with open(Path(tempfile.gettempdir()) / f"ciservice-test-{os.getuid()}-{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def docker_engine():
    """A client of the engine; the test is skipped where none answers."""
    try:
        client = connect()
    except DockerException as error:
        pytest.skip(f"no Docker engine answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def docker_image(docker_engine) -> str:
    """The name of a small image with busybox's shell and tools."""
    return ensure_busybox(docker_engine)
