"""What a Docker host is told: the containers of the app, when they are healthy, and how traffic moves to them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from runners.targets.docker.engine_settings import VARIABLE, Duration, EngineSettings, Part

NAME = rf"^([a-z0-9]([a-z0-9_.-]{{0,38}}[a-z0-9])?|.*{VARIABLE}.*)$"
NETWORK = rf"^([A-Za-z0-9][A-Za-z0-9_.-]{{0,99}}|.*{VARIABLE}.*)$"
VOLUME = rf"^([A-Za-z0-9][A-Za-z0-9_.-]*|{VARIABLE})+:/[^:]*(:ro)?$"
PORTS = r"^[0-9]{2,5}-[0-9]{2,5}$"
_OURS = "ciservice."


def _text(value: object) -> object:
    """YAML's numbers and booleans as a program's environment has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]


class Health(Part):
    """When a container counts as healthy. Without `command` and `http` the image's HEALTHCHECK says so."""

    command: str | tuple[str, ...] = Field(
        default="", description="A command in the container; 0 says that it is healthy."
    )
    http: str = Field(
        default="",
        pattern=r"^(/.*)?$",
        max_length=500,
        description="A path at `port`, asked inside the container with the image's curl or wget; 2xx or 3xx is healthy.",
    )
    every: Duration = Field(default="2s", description="How often it is asked; with `command` or `http`.")
    steady: Duration = Field(
        default="10s", description="Where nobody can be asked: how long it has to run without ending."
    )
    within: Duration = Field(default="2m", description="How long it may take until it is healthy.")

    @model_validator(mode="after")
    def _one(self) -> Health:
        if self.command and self.http:
            raise ValueError("give `command` or `http`, not both")
        return self


class Limits(Part):
    """What one container may use; what is left out is not limited."""

    memory: str = Field(default="", pattern=rf"^([0-9]+[kmgKMG]?|{VARIABLE})?$", description="Such as 512m.")
    cpus: float = Field(default=0.0, ge=0, le=1024, description="Such as 1.5.")
    pids: int = Field(default=0, ge=0, description="How many processes.")


class Publish(Part):
    """For a proxy on another machine: where it reaches the containers."""

    address: str = Field(max_length=100, description="The Docker host's own address that the proxy reaches.")
    ports: str = Field(
        default="20000-20999",
        pattern=PORTS,
        description="Each container gets one of these ports of the host, and keeps it.",
    )


class HAProxy(Part):
    """A backend of an HAProxy (2.6 or newer), steered through its runtime API."""

    socket: str = Field(
        max_length=200,
        description="Where the runtime API listens with `level admin`: host:port, or the path of a Unix socket. With"
        " ssh:// it is reached from the Docker host.",
    )
    backend: str = Field(pattern=r"^[A-Za-z0-9_.:-]+$", max_length=100, description="Its name.")
    slots: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.-]*$",
        max_length=50,
        description="The name of a `server-template` in the backend whose servers are used. Default: servers are added.",
    )
    check: bool = Field(
        default=True, description="HAProxy checks the servers that are added, as the backend says (option httpchk)."
    )
    publish: Publish | None = Field(
        default=None, description="Default: the proxy reaches the containers by their addresses in `network`."
    )
    drain: Duration = Field(default="30s", description="How long requests may take to end on the old containers.")


class Proxy(Part):
    """Who brings the traffic to the containers."""

    haproxy: HAProxy = Field(description="An HAProxy.")


class Settings(EngineSettings):
    """`docker: {host: ssh://deploy@web.example.com, image: registry.example.com/shop:${CI_COMMIT_ID}, name: shop, port: 8080}`."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"command", "health"})

    image: str = Field(min_length=1, max_length=400, description="What is run; its digest is looked up once a release.")
    name: str = Field(pattern=NAME, description="The app's name on this host; its containers begin with it.")
    replicas: int = Field(default=1, ge=1, le=100, description="How many containers.")
    port: int = Field(default=80, ge=1, le=65535, description="Where the app listens, in its container.")
    command: str | tuple[str, ...] = Field(default="", description="Instead of the image's own.")
    environment: dict[str, Text] = Field(default_factory=dict, description="Variables; secrets as ${NAME}.")
    volumes: tuple[Annotated[str, Field(pattern=VOLUME)], ...] = Field(
        default=(), description="Named volumes: name:/path, or name:/path:ro. Folders of the host are not mounted."
    )
    network: str = Field(
        default="",
        pattern=rf"{NETWORK}|^$",
        description="Where the app is reached, without a proxy by its name; joined when healthy. Default: `name`.",
    )
    networks: tuple[Annotated[str, Field(pattern=NETWORK)], ...] = Field(
        default=(), description="What the app itself needs (its database); joined from the start."
    )
    labels: dict[str, Text] = Field(default_factory=dict, description="Of its containers.")
    limits: Limits = Field(default_factory=Limits, description="Of each container.")
    health: Health = Field(default_factory=Health, description="When a container gets traffic.")
    proxy: Proxy | None = Field(default=None, description="Who brings the traffic. Default: Docker's own DNS.")
    stop: Duration = Field(default="10s", description="How long a container may take to end after SIGTERM.")
    keep: int = Field(
        default=1, ge=0, le=10, description="How many releases stay on the host, stopped, for a rollback."
    )

    @field_validator("labels")
    @classmethod
    def _labels_of_others(cls, labels: dict[str, str]) -> dict[str, str]:
        if any(name.startswith(_OURS) for name in labels):
            raise ValueError(f"names that begin with {_OURS} are the service's own")
        return labels

    @model_validator(mode="after")
    def _networks_differ(self) -> Settings:
        if self.front in self.networks:
            raise ValueError(f"`network` and `networks` both name {self.front}")
        return self

    @property
    def front(self) -> str:
        """The network where the app is reached."""
        return self.network or self.name
