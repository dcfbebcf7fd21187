"""What every target of AWS is told: the keys, and the region."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AwsSettings(BaseModel):
    """Keys are never taken from the machine of the runner: what it may do is not the project's."""

    model_config = ConfigDict(extra="forbid")

    aws_access_key_id: str = Field(
        default="",
        description="The key's id, as ${NAME} of a secret. Default: the secret or variable AWS_ACCESS_KEY_ID.",
    )
    aws_secret_access_key: str = Field(
        default="",
        description="The key, as ${NAME} of a secret. Default: the secret AWS_SECRET_ACCESS_KEY.",
        json_schema_extra={"secret": True},
    )
    aws_session_token: str = Field(
        default="",
        description="Only for temporary keys, as ${NAME} of a secret. Default: the secret AWS_SESSION_TOKEN, where there is one.",
        json_schema_extra={"secret": True},
    )
    region: str = Field(
        default="",
        max_length=64,
        description="Such as eu-central-1. Default: the variable AWS_REGION or AWS_DEFAULT_REGION.",
    )
    endpoint_url: str = Field(
        default="", description="Another address than AWS's own: a VPC endpoint, or a compatible service."
    )
