"""The image of a job's own engine for tests, built from this repository's folder where that can be."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
from docker.errors import BuildError, ImageNotFound

from tests.docker_images import locked

FOLDER = Path(__file__).parents[3] / "private-engine"
NAME = "ciservice-test-engine"


def ensure_engine_image(client: docker.DockerClient) -> str:
    """Its name. pytest.skip where this machine has no Debian image, or no packages for it."""
    with locked("engine-image"):
        try:
            client.images.get("debian:bookworm-slim")
            client.images.build(path=str(FOLDER), tag=NAME, rm=True)
        except ImageNotFound:
            pytest.skip("the image debian:bookworm-slim is not on this machine")
        except BuildError as error:
            pytest.skip(f"the image of the private engine cannot be built: {error}")
    return NAME
