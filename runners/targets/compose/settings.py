"""What a Compose host is told: the project there, the files of the checkout that describe it, and what is put into them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from runners.targets.docker.engine_settings import VARIABLE, Duration, EngineSettings, Registry
from runners.targets.docker.settings import Text

PROJECT = rf"^([a-z0-9][a-z0-9_-]{{0,62}}|.*{VARIABLE}.*)$"
VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _inside(file: str) -> str:
    if file.startswith(("/", "~")) or ".." in file.split("/") or "\0" in file:
        raise ValueError("a path of the checkout, without .. in it")
    return file


File = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_inside)]


class ServerRegistry(Registry):
    """Who to be at one registry."""

    server: str = Field(min_length=1, max_length=200, description="The registry's host; only it is told the password.")


class Settings(EngineSettings):
    """`compose: {host: ssh://deploy@web.example.com, host_key: "${HOST_KEY}", project: shop}`."""

    project: str = Field(pattern=PROJECT, description="The name of the Compose project on that host.")
    file: File | Annotated[tuple[File, ...], Field(min_length=1, max_length=20)] = Field(
        default="docker-compose.yml",
        description="A Compose file of the checkout, or a list: each lies over those before.",
    )
    environment: dict[Annotated[str, Field(pattern=VARIABLE_NAME)], Text] = Field(
        default_factory=dict, description="What the file's own ${NAME} stand for; secrets as ${NAME}."
    )
    registry: ServerRegistry | None = Field(default=None, description="The log-in of a private registry.")
    steady: Duration = Field(
        default="10s", description="How long a container without a health check has to run without ending."
    )
    within: Duration = Field(
        default="5m", description="How long Compose may take, and then how long until all is healthy."
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The Compose files, in their order."""
        return (self.file,) if isinstance(self.file, str) else self.file
