"""What every target with a Docker engine is told: how to reach the engine, and who to be at the registry."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

SECRET: dict[str, JsonValue] = {"secret": True}
DURATION = r"^([0-9]{1,3}h([0-9]{1,4}m)?([0-9]{1,5}s)?|[0-9]{1,4}m([0-9]{1,5}s)?|[0-9]{1,5}s)$"
VARIABLE = r"\$\{[^{}]*\}"

Duration = Annotated[str, Field(pattern=DURATION)]


class Part(BaseModel):
    """A map inside of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Tls(Part):
    """The three texts by which an engine on tcp:// and its client know each other."""

    ca: str = Field(description="The certificate of who signed the engine's, PEM, as ${NAME} of a secret.")
    cert: str = Field(description="The client's certificate, PEM, as ${NAME} of a secret.")
    key: str = Field(description="The client's key, PEM, as ${NAME} of a secret.", json_schema_extra=SECRET)


class Registry(Part):
    """Who to be at the registry of the image."""

    username: str = Field(description="Such as ${REGISTRY_USER}.")
    password: str = Field(description="The password or token, as ${NAME} of a secret.", json_schema_extra=SECRET)


class EngineSettings(BaseModel):
    """Where the engine is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(
        max_length=300,
        description="ssh://user@host, tcp://host:2376 with `tls`, or unix:///var/run/docker.sock where the operator allows it.",
    )
    tls: Tls | None = Field(default=None, description="Needed for tcp://.")
    ssh_key: str = Field(
        default="",
        description="For ssh://: a private key, as ${NAME} of a secret. Default: the project's own key.",
        json_schema_extra=SECRET,
    )
    host_key: str = Field(
        default="",
        max_length=20_000,
        description="For ssh://: the host's public keys, as `ssh-keyscan host` prints them. Needed.",
    )
    registry: Registry | None = Field(default=None, description="The log-in of a private registry.")

    @field_validator("host")
    @classmethod
    def _is_address(cls, host: str) -> str:
        if not host.startswith(("ssh://", "tcp://", "unix:///", "${")):
            raise ValueError("begins with ssh://, tcp:// or unix:///")
        return host
