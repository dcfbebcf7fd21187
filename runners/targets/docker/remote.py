"""The engine of a Docker host as deliveries need it: what `Engine` can, and the verbs for containers that stay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import requests

from runners.executors.docker.engine import REQUEST_SECONDS, Engine, Refused, answering, raise_for


class Remote(Engine):
    """One connection pool to one engine. Thread-safe. `Refused`: it said no; `EngineError`: it did not answer."""

    def stop(self, container: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after `seconds`; nothing happens where it has ended or is gone."""
        with answering("stop a container"):
            try:
                self._api.stop(container, timeout=seconds)
            except requests.HTTPError as error:
                if error.response is None or error.response.status_code != requests.codes.not_found:
                    raise

    def logs(self, container: str, lines: int) -> str:
        """The last lines that it printed."""
        with answering("read what a container printed"):
            return self._api.logs(container, tail=lines, stream=False).decode(errors="replace")

    def network(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of a network, None where there is none of that name."""
        try:
            return self.call("GET", f"/networks/{quote(name, safe='')}")
        except Refused as refusal:
            if refusal.status == requests.codes.not_found:
                return None
            raise

    def join(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        """Connect a container to a network, under further names."""
        with answering("join a network"):
            self._api.connect_container_to_network(container, network, aliases=list(aliases) or None)

    def digest(self, image: str, headers: Mapping[str, str]) -> str:
        """The digest that a registry has for the name of an image now. `Refused` where none can be asked."""
        path = f"/distribution/{quote(image)}/json"
        with (
            answering(path),
            self._api.request("GET", self._url(path), headers=dict(headers), timeout=REQUEST_SECONDS) as answer,
        ):
            raise_for(answer)
            return str(answer.json()["Descriptor"]["digest"])

    def listed(self, path: str, filters: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        """A request whose answer is a list: /tasks, /containers/json."""
        with (
            answering(path),
            self._api.request(
                "GET", self._url(path), params={"filters": json.dumps(filters), "all": "1"}, timeout=REQUEST_SECONDS
            ) as answer,
        ):
            raise_for(answer)
            return list(answer.json())

    def update_service(self, service: str, version: int, spec: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        """Change a service of a swarm, as it was at `version`; `Refused` where somebody changed it since."""
        path = f"/services/{quote(service)}/update"
        with (
            answering(path),
            self._api.request(
                "POST",
                self._url(path),
                params={"version": version},
                json=dict(spec),
                headers=dict(headers),
                timeout=REQUEST_SECONDS,
            ) as answer,
        ):
            raise_for(answer)
