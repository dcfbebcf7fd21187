"""The small object that tells which release a bucket's folder holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ValidationError

from runners.targets.contract import Delivery

MARKER = ".ciservice-release"


class Store(Protocol):
    """A place for small objects."""

    def read(self, path: str) -> bytes:
        """Its bytes; b"" where there is none."""

    def write(self, path: str, content: bytes) -> None:
        """Put it there."""


class _Stored(BaseModel):
    project: str
    releases: list[str]
    look: str = ""


@dataclass(frozen=True)
class Marker:
    """`look` is `uploads.look_of` of the settings that the files were sent with."""

    project: str
    releases: frozenset[str] = frozenset()
    look: str = ""

    @classmethod
    def read(cls, store: Store, delivery: Delivery) -> Marker:
        """As it is there; without releases where there is none, or another project's."""
        try:
            stored = _Stored.model_validate_json(store.read(MARKER))
        except ValidationError:
            return cls(delivery.project)
        releases = frozenset(stored.releases) if stored.project == delivery.project else frozenset()
        return cls(delivery.project, releases, stored.look)

    @classmethod
    def at(cls, delivery: Delivery, look: str) -> Marker:
        """All of this release is there."""
        return cls(delivery.project, frozenset({delivery.release}), look)

    def on_the_way_to(self, delivery: Delivery, look: str) -> Marker:
        """Some of the old, some of the new; with a look that fits none, should it end here while looks are mixed."""
        return Marker(self.project, self.releases | {delivery.release}, look if look == self.look else "mixed")

    def write(self, store: Store) -> None:
        """Put it into the store."""
        stored = {"project": self.project, "releases": sorted(self.releases), "look": self.look}
        store.write(MARKER, json.dumps(stored).encode())
