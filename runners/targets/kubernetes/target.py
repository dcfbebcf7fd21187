"""A release's image in a Deployment: in a canary beside it first, where a share is asked for, and rolled out until it is ready."""

from __future__ import annotations

from typing import Any

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.kubernetes.canary import canary_name, lay_canary, remove_canary
from runners.targets.kubernetes.cluster import Cluster, opened
from runners.targets.kubernetes.kubeconfig import Access, access_of
from runners.targets.kubernetes.labels import CAUSE, cause, is_of, release_of, selector
from runners.targets.kubernetes.rollout import existing, until_rolled_out
from runners.targets.kubernetes.settings import Settings
from runners.targets.kubernetes.templates import kept, with_image, with_image_only
from runners.targets.waiting import Patience

Json = dict[str, Any]


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Below 100 % only the canary is touched; at 100 % the main Deployment is, and the canary goes."""
    patience = Patience(settings.within, tell)
    with opened(_access(settings, delivery), settings.namespace) as cluster:
        main = existing(cluster, settings.deployment)
        if main["spec"].get("paused"):
            raise TargetError(
                f"{settings.deployment} is paused: `kubectl rollout resume deployment/{settings.deployment}`."
            )
        if delivery.percent < 100:
            name = lay_canary(cluster, main, with_image(main, settings, delivery), delivery, tell)
            until_rolled_out(cluster, name, delivery, patience, tell)
            return
        if delivery.is_rollback:  # what is bad goes first
            remove_canary(cluster, settings.deployment, delivery, tell)
        _bring(cluster, main, settings, delivery, tell)
        until_rolled_out(cluster, settings.deployment, delivery, patience, tell)
        remove_canary(cluster, settings.deployment, delivery, tell)


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
    """The releases that have pods, of the Deployment and of its canary."""
    with opened(_access(settings, delivery), settings.namespace) as cluster:
        main = existing(cluster, settings.deployment)
        canary = cluster.deployment(canary_name(settings.deployment))
        found = {release_of(main["spec"]["template"], delivery)} if not main["spec"].get("replicas", 1) else set()
        for owner in (main, canary):
            for one in cluster.replica_sets(selector(owner)) if owner else []:
                if is_of(one, owner or {}) and (one.get("status") or {}).get("replicas"):
                    found.add(release_of(one["spec"]["template"], delivery))
    return frozenset(found - {""})


def _bring(cluster: Cluster, main: Json, settings: Settings, delivery: Delivery, tell: Tell) -> None:
    name = settings.deployment
    if release_of(main["spec"]["template"], delivery) == delivery.release:
        tell(f"{name} is told to run release {delivery.release} already")
        return
    template = kept(cluster, main, delivery) if delivery.is_rollback else None
    if template is None:
        tell(f"{name}: release {delivery.release} with {settings.image}")
        cluster.merge(name, with_image_only(main, settings, delivery))
    else:
        tell(f"{name}: back to the pods of release {delivery.release}, which the cluster still knows")
        noted = {**(main["metadata"].get("annotations") or {}), CAUSE: cause(delivery)}
        cluster.patch(
            name,
            [
                {"op": "replace", "path": "/spec/template", "value": template},
                {"op": "add", "path": "/metadata/annotations", "value": noted},
            ],
        )


def _access(settings: Settings, delivery: Delivery) -> Access:
    if settings.server:
        return Access(server=settings.server, token=settings.token, ca=settings.ca)
    text = settings.kubeconfig or delivery.values.get("KUBECONFIG_TEXT", "")
    if not text:
        raise TargetError(
            "There is no secret KUBECONFIG_TEXT: set it for the project or the environment, or give `kubeconfig`, or `server`"
            " with `token`."
        )
    return access_of(text, settings.context)
