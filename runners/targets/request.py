"""What the runner tells the process that delivers, and what that answers: JSON, a line each way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runners.targets.contract import Delivery

FOLDER_PREFIX = "ci-deliver-"  # of the folder that the process has for itself: HOME and TMPDIR
MOST_REASON = 2000  # characters; an answer fits into a pipe


@dataclass(frozen=True, kw_only=True)
class Request:
    """One deploy step."""

    kind: str
    delivery: Delivery
    settings: Mapping[str, Any] = field(default_factory=dict)  # ${NAME} not filled in
    asks: bool = False

    def to_json(self) -> str:
        """One line."""
        delivery = {**asdict(self.delivery), "folder": str(self.delivery.folder)}
        return json.dumps({"kind": self.kind, "settings": self.settings, "asks": self.asks, "delivery": delivery})

    @classmethod
    def from_json(cls, text: str | bytes) -> Request:
        """What `to_json` wrote."""
        found = json.loads(text)
        delivery = found["delivery"]
        delivery |= {"folder": Path(delivery["folder"]), "allowed_hosts": tuple(delivery["allowed_hosts"])}
        return cls(kind=found["kind"], settings=found["settings"], asks=found["asks"], delivery=Delivery(**delivery))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How it went."""

    passed: bool
    reason: str = ""  # why not, for people
    is_spec: bool = False  # the project asks for what cannot be

    def to_json(self) -> str:
        """One line."""
        return json.dumps({**asdict(self), "reason": self.reason[:MOST_REASON]}) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> Answer | None:
        """What `to_json` wrote; None for anything less."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None
