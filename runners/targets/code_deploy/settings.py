"""What a deployment with CodeDeploy is told; the names are CodeShip's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runners.targets.aws_settings import AwsSettings
from runners.targets.durations import Within


class Settings(AwsSettings):
    """`code_deploy: {application_name: shop, deployment_group_name: web, s3_bucket: deploys, region: …}`."""

    application_name: str = Field(min_length=1, max_length=100, description="The application.")
    deployment_group_name: str = Field(min_length=1, max_length=100, description="The group that gets the release.")
    s3_bucket: str = Field(
        min_length=3, max_length=900, description="The bucket for the packed checkout, with a folder where wished."
    )
    local_path: str = Field(
        default=".",
        min_length=1,
        max_length=300,
        description="The folder of the checkout that is packed; appspec.yml lies in it. Default: all of it.",
    )
    deployment_config_name: str = Field(
        default="", max_length=100, description="Such as CodeDeployDefault.OneAtATime. Default: the group's own."
    )
    file_exists_behavior: Literal["", "DISALLOW", "OVERWRITE", "RETAIN"] = Field(
        default="", description="What becomes of files that are there already. Default: CodeDeploy's own, DISALLOW."
    )
    within: Within = Field(default="1h", description="How long the deployment may take.")
