"""Waiting until a Deployment's pods are all new, and ready; why they are not, in the words of their containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.kubernetes.cluster import Cluster
from runners.targets.kubernetes.labels import release_of, selector
from runners.targets.waiting import Patience

Json = dict[str, Any]

_MOST_REASONS = 3


def until_rolled_out(cluster: Cluster, name: str, delivery: Delivery, patience: Patience, tell: Tell) -> None:
    """TargetError where the cluster gives up (`progressDeadlineSeconds`), or it takes too long."""
    said = ""
    patience.afresh()
    what = f"{name} was not rolled out"
    while True:
        deployment = patience.ask(lambda: existing(cluster, name), what)
        state = _missing(deployment)
        if not state:
            tell(f"{name}: {deployment['spec'].get('replicas', 1)} pods of release {delivery.release} are ready")
            return
        if state != said:
            said = state
            tell(f"{name}: {state}")
        if gave_up := _given_up(deployment):
            raise TargetError(" ".join([gave_up, *_reasons(cluster, deployment, delivery)]))
        try:
            patience.wait(f"{name}, {state}: it was not rolled out")
        except TargetError as error:
            raise TargetError(" ".join([str(error), *_reasons(cluster, deployment, delivery)])) from None


def existing(cluster: Cluster, name: str) -> Json:
    """A Deployment that has to be there."""
    found = cluster.deployment(name)
    if found is None:
        raise TargetError(f"There is no Deployment {name} in the namespace {cluster.namespace}.")
    return found


def _missing(deployment: Json) -> str:
    """What is still to come; "" = nothing. As `kubectl rollout status` counts."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    updated, available = status.get("updatedReplicas") or 0, status.get("availableReplicas") or 0
    if (status.get("observedGeneration") or 0) < deployment["metadata"]["generation"]:
        return "waiting for the cluster to begin"
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    if (status.get("replicas") or 0) > updated:
        return f"{status['replicas'] - updated} old pods are to end"
    if available < updated:
        return f"{available} of {updated} pods are ready"
    return ""


def _given_up(deployment: Json) -> str:
    if (deployment.get("status") or {}).get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return ""  # what it says is about the rollout before
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return f"The cluster gave the rollout up: {str(condition.get('message', '')).rstrip('.')}."
    return ""


def _reasons(cluster: Cluster, deployment: Json, delivery: Delivery) -> list[str]:
    """A few sentences, each once; less where pods cannot be asked about: something else has failed already."""
    try:
        pods = cluster.pods(selector(deployment))
    except TargetError:
        pods = []
    new = (pod for pod in pods if release_of(pod, delivery) == delivery.release)
    found = [*_of_deployment(deployment), *(reason for pod in new for reason in _of_pod(pod))]
    return list(dict.fromkeys(found))[:_MOST_REASONS]


def _of_deployment(deployment: Json) -> Iterator[str]:
    """A quota, or somebody who has a say in what pods there may be: it may pass, when old pods end."""
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            yield f"The cluster makes no pods: {str(condition.get('message', '')).rstrip('.')}."


def _of_pod(pod: Json) -> Iterator[str]:
    status = pod.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"A pod has no node: {str(condition.get('message', '')).rstrip('.')}."
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if waiting.get("reason") in (None, "ContainerCreating", "PodInitializing"):
            continue
        text = f"{container.get('name')}: {waiting['reason']}"
        text += f" ({str(waiting['message']).rstrip('.')})" if waiting.get("message") else ""
        text += f", ended with {ended.get('exitCode')} ({ended.get('reason')})" if ended else ""
        yield f"{text}."
