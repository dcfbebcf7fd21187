"""What a deployment to Kubernetes is told."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runners.targets.durations import Within


class Settings(BaseModel):
    """`kubernetes: {deployment: web, image: "registry.example.com/shop@${DIGEST}", kubeconfig: "${KUBECONFIG_TEXT}"}`."""

    model_config = ConfigDict(extra="forbid")

    namespace: str = Field(default="", max_length=63, description="Default: the kubeconfig's, or `default`.")
    deployment: str = Field(min_length=1, max_length=253, description="The Deployment that gets the release.")
    container: str = Field(
        default="", max_length=63, description="The container that gets the image. Default: the only one there is."
    )
    image: str = Field(min_length=1, max_length=500, description="The image, by digest or tag.")
    kubeconfig: str = Field(
        default="",
        description="The text of a kubeconfig with inline certificates or tokens, as ${NAME} of a secret. "
        "Default: the secret KUBECONFIG_TEXT, where no `server` is given.",
        json_schema_extra={"secret": True},
    )
    context: str = Field(default="", max_length=300, description="The kubeconfig's context. Default: its current one.")
    server: str = Field(
        default="", max_length=2000, description="Instead of a kubeconfig: the API's address, https://…"
    )
    token: str = Field(
        default="",
        description="With `server`: a service account's token, as ${NAME} of a secret.",
        json_schema_extra={"secret": True},
    )
    ca: str = Field(
        default="", description="With `server`: the text of the certificate (PEM) that the API's own is trusted by."
    )
    within: Within = Field(default="15m", description="How long a rollout may take.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.server and self.kubeconfig:
            raise ValueError("give either `kubeconfig` or `server` with `token`, not both")
        if self.server and not self.token:
            raise ValueError("`server` needs a `token`")
        if self.token and not self.server:
            raise ValueError("`token` needs a `server`")
        return self
