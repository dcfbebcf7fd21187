"""Revisions of a task definition: one for each release, known by its tags."""

from __future__ import annotations

from typing import Any

from runners.targets.aws import explained
from runners.targets.contract import Delivery, TargetError

RELEASE, COMMIT, PROJECT = "ciservice:release", "ciservice:commit", "ciservice:project"
_MOST_LOOKED_AT = 100  # revisions, the newest first


def find_revision(ecs: Any, current: str, delivery: Delivery) -> str:
    """The ARN of this release's active revision of the family that the service runs; "" where there is none."""
    if release_tag(ecs, current, delivery) == delivery.release:
        return current
    family = current.rpartition("/")[2].partition(":")[0]
    with explained():
        found = ecs.list_task_definitions(
            familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=_MOST_LOOKED_AT
        )["taskDefinitionArns"]
    # A prefix: other families may begin with it.
    ours = (arn for arn in found if arn.rpartition("/")[2].partition(":")[0] == family)
    return next((arn for arn in ours if release_tag(ecs, arn, delivery) == delivery.release), "")


def release_tag(ecs: Any, revision: str, delivery: Delivery) -> str:
    """The number of this project's release whose revision it is; "" where it is nobody's or another project's."""
    with explained():
        found = ecs.list_tags_for_resource(resourceArn=revision).get("tags", [])
    tags = {str(tag["key"]): str(tag.get("value", "")) for tag in found}
    return tags.get(RELEASE, "") if tags.get(PROJECT) == delivery.project else ""


def make_revision(ecs: Any, current: str, container: str, image: str, delivery: Delivery) -> str:
    """The ARN of a new revision: as the current one, but for the container's image and the tags."""
    with explained():
        answer = ecs.describe_task_definition(taskDefinition=current, include=["TAGS"])
    definition = answer["taskDefinition"]
    # What may be registered is less than what is told: AWS's own model says what.
    allowed = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    fields = {name: value for name, value in definition.items() if name in allowed and name != "tags"}
    fields["containerDefinitions"] = _with_image(definition, container, image)
    fields["tags"] = [*_foreign(answer.get("tags", [])), *_own(delivery)]
    with explained():
        made = ecs.register_task_definition(**fields)
    return str(made["taskDefinition"]["taskDefinitionArn"])


def _with_image(definition: dict[str, Any], container: str, image: str) -> list[dict[str, Any]]:
    containers = definition["containerDefinitions"]
    names = [str(one["name"]) for one in containers]
    if not container and len(names) > 1:
        raise TargetError(
            f"The task definition has several containers: say with `container` which: {', '.join(names)}."
        )
    wanted = container or names[0]
    if wanted not in names:
        raise TargetError(f"The task definition has no container {wanted}; it has {', '.join(names)}.")
    return [{**one, "image": image} if one["name"] == wanted else one for one in containers]


def _own(delivery: Delivery) -> list[dict[str, str]]:
    values = {RELEASE: delivery.release, COMMIT: delivery.commit, PROJECT: delivery.project}
    return [{"key": key, "value": value} for key, value in values.items()]


def _foreign(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    return [tag for tag in tags if tag["key"] not in {RELEASE, COMMIT, PROJECT} and not tag["key"].startswith("aws:")]
