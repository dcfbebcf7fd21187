"""The git hosts whose webhooks we understand: which headers they send, how they sign, how their payloads are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builds.models.connection import Provider
from builds.services.told import Told
from builds.webhooks import bitbucket, bitbucket_server, generic, gitea, github, gitlab
from builds.webhooks.signature import Check, of_gitlab, signed_in


@dataclass(frozen=True, kw_only=True)
class Host:
    """One git host. Of several headers for one thing the first that is there counts."""

    check: Check
    event: tuple[str, ...]
    delivery: tuple[str, ...]  # the same again for what is sent again
    read: Callable[[str, dict[str, Any]], Told]

    def event_of(self, headers: Mapping[str, str]) -> str:
        """What kind of event it is, in the host's word; "" where it does not say."""
        return _first(self.event, headers)

    def delivery_of(self, headers: Mapping[str, str]) -> str:
        """The host's id of this delivery; "" where it gives none."""
        return _first(self.delivery, headers)


def _first(names: tuple[str, ...], headers: Mapping[str, str]) -> str:
    return next((headers[name] for name in names if headers.get(name)), "")


HOSTS: dict[Provider, Host] = {
    Provider.GENERIC: Host(
        check=signed_in("X-Ciservice-Signature"),
        event=("X-Ciservice-Event",),  # optional: "push", which is also meant without it, or "ping"
        delivery=("X-Ciservice-Delivery",),  # optional
        read=generic.read,
    ),
    Provider.GITHUB: Host(
        check=signed_in("X-Hub-Signature-256"),
        event=("X-GitHub-Event",),
        delivery=("X-GitHub-Delivery",),
        read=github.read,
    ),
    # X-Gitlab-Event-UUID is no id of a delivery: what follows from an event has the same.
    Provider.GITLAB: Host(
        check=of_gitlab,
        event=("X-Gitlab-Event",),
        delivery=("Idempotency-Key", "Webhook-Id"),
        read=gitlab.read,
    ),
    Provider.BITBUCKET: Host(
        check=signed_in("X-Hub-Signature"),
        event=("X-Event-Key",),
        delivery=("X-Request-UUID",),
        read=bitbucket.read,
    ),
    Provider.BITBUCKET_SERVER: Host(
        check=signed_in("X-Hub-Signature"),
        event=("X-Event-Key",),
        delivery=("X-Request-Id",),
        read=bitbucket_server.read,
    ),
    Provider.GITEA: Host(
        check=signed_in("X-Gitea-Signature", "X-Forgejo-Signature", "X-Hub-Signature-256"),
        event=("X-Gitea-Event", "X-Forgejo-Event"),
        delivery=("X-Gitea-Delivery", "X-Forgejo-Delivery"),
        read=gitea.read,
    ),
}
