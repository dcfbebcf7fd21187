"""The door to a cluster: Deployments, ReplicaSets and Pods of one namespace as plain JSON, by the official client."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from kubernetes.client import ApiClient, ApiException, Configuration
from urllib3.exceptions import HTTPError, SSLError

from runners.targets.contract import TargetError
from runners.targets.kubernetes.kubeconfig import Access
from runners.targets.waiting import PassingError

Json = dict[str, Any]

_TIMEOUTS = (10.0, 60.0)  # to connect, between two pieces of an answer; seconds
_TRIES = 4
_MOST_SHOWN = 800
_MOST_LISTED = 500
_STRATEGIC = "application/strategic-merge-patch+json"


class Cluster:
    """Of one namespace. Every call ends: in an answer, a TargetError or a PassingError."""

    def __init__(self, client: ApiClient, token: str, namespace: str) -> None:
        self._client = client
        self._authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self.namespace = namespace

    def deployment(self, name: str) -> Json | None:
        """As it is; None where there is none."""
        return self._call("GET", self._deployments(name), absent=True)

    def replica_sets(self, labels: Mapping[str, str]) -> list[Json]:
        """Those with these labels."""
        return self._listed(f"/apis/apps/v1/namespaces/{quote(self.namespace)}/replicasets", labels)

    def pods(self, labels: Mapping[str, str]) -> list[Json]:
        """Those with these labels."""
        return self._listed(f"/api/v1/namespaces/{quote(self.namespace)}/pods", labels)

    def merge(self, name: str, changes: Json) -> None:
        """Change a Deployment by a strategic merge: lists of containers are merged by their names."""
        self._call("PATCH", self._deployments(name), changes, content_type=_STRATEGIC)

    def patch(self, name: str, operations: Sequence[Json]) -> None:
        """Change a Deployment by JSON patch."""
        self._call("PATCH", self._deployments(name), list(operations), content_type="application/json-patch+json")

    def create(self, body: Json) -> None:
        """Make a Deployment."""
        self._call("POST", self._deployments(), body)

    def replace(self, name: str, body: Json) -> None:
        """Make a Deployment what the body says, whoever changed it meanwhile."""
        self._call("PUT", self._deployments(name), body)

    def delete(self, name: str) -> None:
        """Remove a Deployment with its pods; nothing where there is none."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        self._call("DELETE", self._deployments(name), options, absent=True)

    def _deployments(self, name: str = "") -> str:
        path = f"/apis/apps/v1/namespaces/{quote(self.namespace, safe='')}/deployments"
        return f"{path}/{quote(name, safe='')}" if name else path

    def _listed(self, path: str, labels: Mapping[str, str]) -> list[Json]:
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        answer = self._call("GET", path, query=[("labelSelector", selector), ("limit", str(_MOST_LISTED))])
        return list((answer or {}).get("items") or [])

    def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        content_type: str = "application/json",
        absent: bool = False,
    ) -> Json | None:
        """What may pass is tried again: all of these calls may be made twice. With `absent` a 404 is None."""
        pause = 0.5
        for left in range(_TRIES - 1, -1, -1):
            try:
                status, data = self._once(method, path, body, query, content_type)
                return None if absent and status == 404 else _answer(status, data)
            except PassingError:
                if not left:
                    raise
                time.sleep(pause)
                pause *= 2
        raise AssertionError("the last try raises")

    def _once(
        self, method: str, path: str, body: object, query: Sequence[tuple[str, str]], content_type: str
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "User-Agent": "ciservice", **self._authorization}
        if body is not None:
            headers["Content-Type"] = content_type
        request = self._client.param_serialize(method, path, query_params=list(query), header_params=headers, body=body)
        try:
            answer = self._client.call_api(*request, _request_timeout=_TIMEOUTS)
            return int(answer.status), bytes(answer.response.data)
        except SSLError as error:
            raise _untrusted(error) from None
        except HTTPError as error:
            raise PassingError(f"The cluster gives no answer: {str(error)[:_MOST_SHOWN]}.") from None
        except ApiException as error:  # the client's own for TLS
            raise _untrusted(error) from None


@contextmanager
def opened(access: Access, namespace: str) -> Iterator[Cluster]:
    """A cluster, while its certificate and key lie in a folder that only this process reads."""
    if urlsplit(access.server).scheme not in {"http", "https"}:
        raise TargetError("The cluster's `server` is an address that begins with https://.")
    if not access.token.isascii() or not access.token.isprintable():
        raise TargetError("The cluster's token has characters that no token has: look at the secret.")
    with tempfile.TemporaryDirectory(prefix="kubernetes-") as folder:
        configuration = Configuration(host=access.server.rstrip("/"))
        configuration.retries = False
        configuration.verify_ssl = True
        configuration.ssl_ca_cert = _laid(folder, "ca", access.ca)
        configuration.cert_file = _laid(folder, "certificate", access.certificate)
        configuration.key_file = _laid(folder, "key", access.key)
        configuration.tls_server_name = access.tls_server_name or None
        with _client(configuration) as client:
            yield Cluster(client, access.token, namespace or access.namespace or "default")


@contextmanager
def _client(configuration: Configuration) -> Iterator[ApiClient]:
    try:
        client = ApiClient(configuration)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _untrusted(error) from None
    try:
        yield client
    finally:
        client.rest_client.pool_manager.clear()


def _laid(folder: str, name: str, text: str) -> str | None:
    if not text:
        return None
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path


def _untrusted(error: Exception) -> TargetError:
    said = " ".join(str(error).split())[:_MOST_SHOWN]
    return TargetError(
        f"The cluster's certificate is not trusted, or ours is none: {said}. Look at `ca` or the kubeconfig."
    )


def _answer(status: int, data: bytes) -> Json:
    said = _message(data)
    if status == 401:
        raise TargetError(
            "The cluster does not accept the token or certificate: look at the secret, and whether it has expired."
        )
    if status == 403:
        raise TargetError(f"The cluster does not let this account do it: {said}. Extend its Role.")
    if status == 409:
        raise PassingError(f"Somebody else changes it at the same time: {said}.")
    if status == 429:
        raise PassingError("The cluster was asked too often and went on refusing.")
    if status >= 500:
        raise PassingError(f"The cluster has a fault of its own ({status}: {said}).")
    if status >= 300:
        raise TargetError(f"The cluster refuses it ({status}): {said}.")
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise TargetError("What answers is no Kubernetes API: look at the address of the server.")
    return found


def _message(data: bytes) -> str:
    try:
        found = json.loads(data)
    except ValueError:
        return "without a word"
    text = found.get("message") if isinstance(found, dict) else ""
    return str(text or "without a word").strip()[:_MOST_SHOWN].rstrip(".")
