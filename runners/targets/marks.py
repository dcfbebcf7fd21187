"""How a release is called where it runs, so that it is known again: `release-12-0123456789ab-1f2e3d4c`."""

from __future__ import annotations

import re

from runners.targets.contract import Delivery, TargetError

_MARK = re.compile(r"release-([0-9]+)-([0-9a-f]*)-([0-9a-f]{8})")


def mark(delivery: Delivery) -> str:
    """Its number, its commit, its project."""
    return f"release-{delivery.release}-{delivery.commit[:12]}-{_project(delivery)}"


def marked(text: str, delivery: Delivery) -> frozenset[str]:
    """The numbers of this project's releases whose marks stand in a text."""
    return frozenset(found[1] for found in _MARK.finditer(text) if found[3] == _project(delivery))


def whole_only(delivery: Delivery, kind: str, instead: str) -> None:
    """TargetError where a share is asked of a target that has none; `instead` says what to do."""
    if delivery.percent < 100:
        raise TargetError(
            f"{kind} cannot bring a release to {delivery.percent:g} % of it: leave `canary` away for this environment. {instead}"
        )


def _project(delivery: Delivery) -> str:
    return delivery.project.replace("-", "")[:8]
