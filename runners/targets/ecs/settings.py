"""What a deployment to ECS is told."""

from __future__ import annotations

from pydantic import Field

from runners.targets.aws_settings import AwsSettings
from runners.targets.durations import Within


class Settings(AwsSettings):
    """`ecs: {cluster: shop, service: web, image: "1234.dkr.ecr.eu-central-1.amazonaws.com/shop:${CI_COMMIT_ID}"}`."""

    cluster: str = Field(default="default", min_length=1, max_length=300, description="The cluster's name or ARN.")
    service: str = Field(min_length=1, max_length=300, description="The service that gets the release.")
    container: str = Field(
        default="",
        max_length=255,
        description="The container of the task definition that gets the image. Default: the only one there is.",
    )
    image: str = Field(
        min_length=1,
        max_length=500,
        description="The image, by digest or tag; a tag in ECR is pinned to the digest that it has at that moment.",
    )
    within: Within = Field(default="30m", description="How long the service may take until it is steady.")
