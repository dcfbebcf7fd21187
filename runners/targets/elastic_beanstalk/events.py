"""What an environment of Elastic Beanstalk says while it is updated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from runners.targets.aws import explained
from runners.targets.contract import Tell
from runners.targets.waiting import PassingError

_BAD = {"ERROR", "FATAL"}
_WORST = 3


class Events:
    """Those that come from now on, each told once."""

    def __init__(self, beanstalk: Any, environment: str) -> None:
        self._beanstalk = beanstalk
        self._environment = environment
        with explained():
            newest = beanstalk.describe_events(EnvironmentName=environment, MaxRecords=1)["Events"]
        # Their clock, not ours.
        self._since: datetime | None = newest[0]["EventDate"] + timedelta(milliseconds=1) if newest else None
        self._told: set[tuple[datetime, str]] = set()
        self._bad: list[str] = []

    def tell_new(self, tell: Tell) -> None:
        """The oldest first. An answer that does not come is left for the next time."""
        try:
            found = self._found()
        except PassingError:
            return
        for event in sorted(found, key=lambda one: one["EventDate"]):
            key = (event["EventDate"], event["Message"])
            if key not in self._told:
                self._told.add(key)
                tell(f"{event.get('Severity', 'INFO')}: {event['Message']}")
                if event.get("Severity") in _BAD:
                    self._bad.append(event["Message"].rstrip("."))

    def worst(self) -> str:
        """The errors among what was told, as sentences; "" without."""
        return " ".join(f"{message}." for message in self._bad[-_WORST:])

    def _found(self) -> list[dict[str, Any]]:
        since = {"StartTime": self._since} if self._since else {}
        with explained():
            found: list[dict[str, Any]] = self._beanstalk.describe_events(
                EnvironmentName=self._environment, MaxRecords=100, **since
            )["Events"]
        return found
