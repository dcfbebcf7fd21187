"""What a deployment to S3 is told; the names are CodeShip's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runners.targets.aws_settings import AwsSettings

Acl = Literal[
    "",
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]


class Settings(AwsSettings):
    """`s3: {local_path: public, s3_bucket: shop-web/www, region: eu-central-1}`."""

    local_path: str = Field(
        default=".", min_length=1, max_length=300, description="The folder or file of the checkout that is sent."
    )
    s3_bucket: str = Field(
        min_length=3, max_length=900, description="The bucket, with a folder where wished: shop-web/www."
    )
    acl: Acl = Field(
        default="", description="Who may read the files, such as public-read. Default: what the bucket says."
    )
    delete: bool = Field(default=False, description="Remove from the bucket's folder what the release does not have.")
    cache_control: str | dict[str, str] = Field(
        default="",
        description="The header Cache-Control of the files: one text, or texts by patterns of paths, of which the first fits.",
    )
