"""What a deployment to Elastic Beanstalk is told; the names are CodeShip's."""

from __future__ import annotations

from pydantic import Field

from runners.targets.aws_settings import AwsSettings
from runners.targets.durations import Within


class Settings(AwsSettings):
    """`elastic_beanstalk: {application_name: shop, environment_name: shop-production, s3_bucket: deploys, region: …}`."""

    application_name: str = Field(min_length=1, max_length=100, description="The application.")
    environment_name: str = Field(min_length=1, max_length=100, description="The environment that gets the release.")
    s3_bucket: str = Field(
        min_length=3, max_length=900, description="The bucket for the packed checkout, with a folder where wished."
    )
    local_path: str = Field(
        default=".",
        min_length=1,
        max_length=300,
        description="The folder of the checkout that is packed. Default: all of it.",
    )
    within: Within = Field(default="30m", description="How long the environment may take until it is ready and green.")
