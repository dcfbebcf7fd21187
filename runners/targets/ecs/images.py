"""Which bytes an image's tag means now: a digest, where ECR can be asked, so that every task gets the same."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from runners.targets.aws import client, error_code, explained
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.ecs.settings import Settings

_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?"
)


def pinned(settings: Settings, delivery: Delivery, tell: Tell) -> str:
    """The image by its digest; as it is given, where it has one, or lies in another registry."""
    image = settings.image
    found = _ECR.fullmatch(image)
    if "@" in image:
        return image
    if not found:
        tell(f"{image} is not in ECR: its tag is kept, and ECS looks up what it means")
        return image
    asked = settings.model_copy(update={"region": found["region"]})
    with explained():
        try:
            details = client("ecr", asked, delivery).describe_images(
                registryId=found["account"],
                repositoryName=found["name"],
                imageIds=[{"imageTag": found["tag"] or "latest"}],
            )["imageDetails"]
        except ClientError as error:
            if error_code(error) in {"ImageNotFoundException", "RepositoryNotFoundException"}:
                raise TargetError(
                    f"There is no image {image}: is it pushed by a step before, under this tag?"
                ) from None
            if error_code(error) == "AccessDeniedException":
                tell(f"the key may not ask ECR for the digest of {image} (ecr:DescribeImages): its tag is kept")
                return image
            raise
    base = image.removesuffix(f":{found['tag']}") if found["tag"] else image
    return f"{base}@{details[0]['imageDigest']}"
