"""The demo's image, made of a static busybox where no registry can be reached."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from ciservice.embedded import image

BUSYBOX = next((Path(p) for p in ("/bin/busybox", "/usr/bin/busybox") if os.access(p, os.X_OK)), None)


@pytest.mark.skipif(BUSYBOX is None, reason="busybox-static is not installed")
def test_a_static_program_is_told_from_a_dynamic_one():
    assert image._is_static(BUSYBOX)
    assert not image._is_static(Path("/bin/bash").resolve())
    assert not image._is_static(Path(__file__))


@pytest.mark.skipif(BUSYBOX is None, reason="busybox-static is not installed")
def test_the_image_has_a_shell_and_a_place_for_files():
    with tarfile.open(fileobj=io.BytesIO(image._archive(BUSYBOX))) as tar:
        names = tar.getnames()
        assert {"bin/busybox", "bin/sh", "bin/grep", "tmp", "etc/passwd"} <= set(names)
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getmember("bin/busybox").uid == 0


@pytest.mark.docker
def test_an_engine_that_has_the_image_is_left_alone(docker_engine, docker_image):
    said: list[str] = []
    assert image.ensure("unix:///var/run/docker.sock", said.append) == ""
    assert docker_engine.images.get("busybox:latest")
