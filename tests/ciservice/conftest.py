"""The engine, for what the composition does with it."""

from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures
